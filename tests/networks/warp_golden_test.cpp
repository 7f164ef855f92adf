#include "support/catch.h"
#include "support/fill.h"
#include "support/golden.h"

#include "covector/core/spatial_map.h"

using namespace covector;
using covector::testing::check_summary;
using covector::testing::golden;
using covector::testing::wave;

TEST_CASE("the released warp equals the authors'", "[warp][golden]") {
  const std::string name = GENERATE("warp_2d", "warp_3d");
  INFO(name);
  const auto item = golden("cover.json").at(name);
  const bool flat = name == "warp_2d";
  const std::vector<std::int64_t> image =
      flat ? std::vector<std::int64_t>{2, 3, 9, 11} : std::vector<std::int64_t>{1, 2, 5, 6, 7};
  auto field = image;
  field[1] = flat ? 2 : 3;
  auto source = wave(image, 0.21, 1, 0).set_requires_grad(true);
  auto flow = wave(field, 0.13, 2, 0).set_requires_grad(true);
  const auto out = warp(source, flow, GridConvention::released);
  out.backward(wave(out.sizes(), 0.05, 1, 0));
  check_summary(out, item.at("out"));
  check_summary(source.grad(), item.at("grad_src"));
  check_summary(flow.grad(), item.at("grad_flow"));
}
