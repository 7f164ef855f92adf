#pragma once

#include "support/catch.h"

#include "covector/core/error.h"
#include "covector/core/method.h"
#include "plugins/small_backbone.h"

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

/// What the tests of all methods need.
namespace covector::testing {

inline View view_of(const at::Tensor& image) {
  return View(Batch{image, {}, std::vector<std::string>(image.size(0), "x"), {}});
}

/// How many numbers a module learns.
inline std::int64_t size_of(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

/// Errors of a method with an option "crop".
template <class Made, class Options>
void check_crop_errors(Options options) {
  const auto make = [&](std::vector<std::int64_t> crop) {
    options.crop = std::move(crop);
    const InputSpec input{1, 3};
    return std::make_shared<Made>(options, std::make_shared<SmallBackbone>(input),
                                  MethodInput{input, 3});
  };
  CHECK_THROWS_AS(make({8, 8}), RecipeError);
  CHECK_THROWS_WITH(make({8, 8}), "[method] 'crop' has 2 numbers, the images have 3 axes");
  CHECK_THROWS_WITH(make({10}),
                    "[method] 'crop' must be a multiple of 4 along every axis, which the backbone "
                    "asks for; got [10, 10, 10]");
}

}  // namespace covector::testing
