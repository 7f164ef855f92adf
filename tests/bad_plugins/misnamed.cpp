#include "covector/core/plugin.h"

// What its file should be called.
COVECTOR_PLUGIN("well_named", "1.0.0", registrar) {
  static_cast<void>(registrar);
}
