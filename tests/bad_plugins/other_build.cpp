#include "foreign_plugin.h"

COVECTOR_FOREIGN_PLUGIN("other_build", 1, "libtorch 1.0.0, cxx11abi 0, gxxabi 1002")
