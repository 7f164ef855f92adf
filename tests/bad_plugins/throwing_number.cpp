#include "covector/core/plugin.h"

COVECTOR_PLUGIN("throwing_number", "1.0.0", registrar) {
  static_cast<void>(registrar);
  throw 42;
}
