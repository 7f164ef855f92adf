#include "foreign_handshake.h"

COVECTOR_FOREIGN_PLUGIN(sizeof(ForeignHandshake), 0, "of old", "older_api", "1.0", must_not_run)
