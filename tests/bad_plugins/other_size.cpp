// This API, but two fields short: someone changed the struct and forgot the number.
#include "handshake.h"

COVECTOR_HANDSHAKE {
  static const CovectorPluginInfo info = {
      24, covector::kPluginApiVersion, nullptr, nullptr, nullptr, nullptr};
  return &info;
}
