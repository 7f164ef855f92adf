#include "handshake.h"

COVECTOR_HANDSHAKE {
  static const CovectorPluginInfo info = {sizeof info,       covector::kPluginApiVersion,
                                          COVECTOR_BUILD_ID, "no_registration",
                                          "1.0.0",           nullptr};
  return &info;
}
