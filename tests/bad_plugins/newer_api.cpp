#include "foreign_handshake.h"

COVECTOR_FOREIGN_PLUGIN(sizeof(ForeignHandshake), 4000, "to come", "newer_api", "1.0", must_not_run)
