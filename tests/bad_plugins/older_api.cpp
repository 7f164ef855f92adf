#include "foreign_plugin.h"

COVECTOR_FOREIGN_PLUGIN("older_api", 0, "of old")
