// Built for this program, but its symbol was hidden while it was linked.
#include "covector/core/plugin.h"

COVECTOR_PLUGIN_NOTE(covector::kPluginApiVersion, COVECTOR_BUILD_ID)
