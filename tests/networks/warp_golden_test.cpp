#include "support/catch.h"
#include "support/fill.h"
#include "support/golden.h"

#include "covector/core/spatial_map.h"

using namespace covector;
using covector::testing::check_summary;
using covector::testing::golden;
using covector::testing::wave;

namespace {

void check_case(const char* name, at::IntArrayRef image, at::IntArrayRef field) {
  INFO(name);
  const auto item = golden("cover.json").at(name);
  auto source = wave(image, 0.21, 1, 0).set_requires_grad(true);
  auto flow = wave(field, 0.13, 2, 0).set_requires_grad(true);
  const auto out = warp(source, flow, GridConvention::released);
  out.backward(wave(out.sizes(), 0.05, 1, 0));
  check_summary(out, item.at("out"));
  check_summary(source.grad(), item.at("grad_src"));
  check_summary(flow.grad(), item.at("grad_flow"));
}

}  // namespace

TEST_CASE("the released warp equals the authors' in 2D", "[warp][golden]") {
  check_case("warp_2d", {2, 3, 9, 11}, {2, 2, 9, 11});
}

TEST_CASE("the released warp equals the authors' in 3D", "[warp][golden]") {
  check_case("warp_3d", {1, 2, 5, 6, 7}, {1, 3, 5, 6, 7});
}
