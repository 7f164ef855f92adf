#pragma once

#include "covector/core/plugin.h"

/// A plug-in whose note is right, with a handshake of the test's own.
#define COVECTOR_HANDSHAKE                                               \
  COVECTOR_PLUGIN_NOTE(::covector::kPluginApiVersion, COVECTOR_BUILD_ID) \
  extern "C" COVECTOR_API const CovectorPluginInfo* covector_plugin_info()
