#include "foreign_handshake.h"

// This API, but two fields short: someone changed the struct and forgot the number.
COVECTOR_FOREIGN_PLUGIN(24, 1, "of old", "other_size", "1.0", must_not_run)
