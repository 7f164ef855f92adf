#include "foreign_handshake.h"

COVECTOR_FOREIGN_PLUGIN(sizeof(ForeignHandshake), 1, "libtorch 1.0.0, cxx11abi 0, gxxabi 1002",
                        "other_build", "1.0", must_not_run)
