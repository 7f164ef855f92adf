#include "align.h"

#include "covector/core/plugin.h"

// The one symbol that the program looks for. Names are given here and nowhere else.
COVECTOR_PLUGIN("template", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, align::Align, align::Options>("align");
}
