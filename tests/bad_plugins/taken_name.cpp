#include "covector/core/plugin.h"
#include "greeting.h"

// "another" is free, "greet" is what the plug-in `sample` of these tests provides.
COVECTOR_PLUGIN("taken_name", "1.0.0", registrar) {
  registrar.add<covector::Command, Greeting, covector::NoOptions>("another");
  registrar.add<covector::Command, Greeting, covector::NoOptions>("greet");
}
