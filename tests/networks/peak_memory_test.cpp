#include "support/peak_memory.h"

#include "support/catch.h"

#include <torch/types.h>

using covector::testing::peak_bytes;

TEST_CASE("the peak counts what lives at one time", "[peak_memory]") {
  constexpr std::int64_t kKilobyte = 1024;
  const auto kilobyte = [] { return torch::empty({256}); };
  CHECK(peak_bytes([] {}) == 0);
  CHECK(peak_bytes([&] { kilobyte(); }) == kKilobyte);
  // One after the other, then two side by side.
  CHECK(peak_bytes([&] {
          kilobyte();
          kilobyte();
        }) == kKilobyte);
  CHECK(peak_bytes([&] {
          const auto a = kilobyte();
          const auto b = kilobyte();
        }) == 2 * kKilobyte);
}

TEST_CASE("the peak counts what a gradient needs", "[peak_memory]") {
  const auto x = torch::ones({256}).requires_grad_();
  // exp keeps its kilobyte until the gradient is there: with the sum's it makes two and a scalar.
  const auto forward = peak_bytes([&] { x.exp().sum(); });
  const auto both = peak_bytes([&] { x.exp().sum().backward(); });
  CHECK(forward >= 1024);
  CHECK(forward < 2 * 1024);
  CHECK(both >= 2 * 1024);
}

TEST_CASE("the peak leaves out what was there before", "[peak_memory]") {
  auto before = torch::empty({256});
  CHECK(peak_bytes([&] { before = torch::empty({256}); }) == 1024);
}
