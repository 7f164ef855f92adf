#pragma once

#include "support/catch.h"

#include "covector/core/error.h"
#include "covector/core/method.h"
#include "covector/networks/momentum.h"
#include "plugins/small_backbone.h"

#include <torch/types.h>
#include <torch/utils.h>

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

/// Weights and buffers are all there is: a copy of them goes on as the original does.
/// @param make        a method, the same at every call
/// @param make_views  views of a step, from LibTorch's generator
template <class Make, class MakeViews>
void check_copy_goes_on(const Make& make, const MakeViews& make_views) {
  const auto advance = [&](Method& method, std::int64_t from, std::int64_t to) {
    double last = 0;
    for (auto step = from; step < to; ++step) {
      torch::manual_seed(static_cast<std::uint64_t>(100 + step));
      auto views = make_views();
      method.zero_grad();
      const auto loss = method.step(views, {"train", step, 8}).loss;
      loss.backward();
      {
        const torch::NoGradGuard no_grad;
        for (auto& parameter : method.parameters())
          if (parameter.grad().defined()) parameter.sub_(0.1 * parameter.grad());
      }
      method.after_step(step, 8);
      last = loss.template item<double>();
    }
    return last;
  };
  const auto method = make();
  advance(*method, 0, 4);
  const auto resumed = make();
  networks::copy_weights(*method, *resumed);
  CHECK(advance(*resumed, 4, 8) == advance(*method, 4, 8));
  for (const auto& item : resumed->named_parameters()) {
    INFO(item.key());
    CHECK(torch::equal(item.value(), method->named_parameters()[item.key()]));
  }
}

}  // namespace covector::testing
