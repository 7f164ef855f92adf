#include "foreign_plugin.h"

COVECTOR_FOREIGN_PLUGIN("newer_api", 4000, "to come")
