#pragma once

#include "covector/core/random.h"
#include "covector/core/view.h"

#include <memory>
#include <string_view>
#include <tuple>
#include <vector>

namespace covector {

/// One augmentation, applied to a whole batch on the device of its images.
class COVECTOR_API Transform {
 public:
  static constexpr std::string_view kind = "transform";
  using CreateArgs = std::tuple<>;
  virtual ~Transform();
  /// Draws one set of parameters a sample from `draws` and from nothing else.
  virtual void apply(View& view, Draws& draws) const = 0;
};

}  // namespace covector
