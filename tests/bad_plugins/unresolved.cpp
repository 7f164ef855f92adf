#include "covector/core/plugin.h"

// A function that no library has.
namespace covector::losses {
int distance_of_no_library(int);
}

COVECTOR_PLUGIN("unresolved", "1.0.0", registrar) {
  static_cast<void>(registrar);
  covector::losses::distance_of_no_library(1);
}
