#include "ukan.h"

#include "covector/networks/published.h"

namespace covector::ukan {

Translation Ukan::from_published(StateDict published) const {
  Translation translation{std::move(published), {}, {}};
  networks::leave_out(
      translation, [](const std::string& name) { return name.starts_with("final."); },
      "the authors' head");
  return translation;
}

}  // namespace covector::ukan
