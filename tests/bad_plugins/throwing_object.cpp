#include "covector/core/plugin.h"

namespace {

struct Licence {
  Licence() { throw std::runtime_error("the licence file is missing"); }
};
const Licence licence;  // made while the library is opened, where nothing may throw

}  // namespace

COVECTOR_PLUGIN("throwing_object", "1.0.0", registrar) {
  static_cast<void>(registrar);
}
