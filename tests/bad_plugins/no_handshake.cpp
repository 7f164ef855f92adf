#include "handshake.h"

COVECTOR_HANDSHAKE {
  return nullptr;
}
