#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/published.h"

#include <torch/types.h>

#include <cmath>

using namespace covector;
using namespace covector::networks;
using covector::testing::max_gap;

namespace {

/// Values 1, 2, 4, 8 ... on a grid of 3 x 3, and twice them as a second channel.
at::Tensor powers() {
  const auto one = torch::tensor({1., 2., 4., 8., 16., 32., 64., 128., 256.}, torch::kFloat64);
  return torch::stack({one, 2 * one}, 1);
}

void check_resized(const at::Tensor& resized, const std::vector<double>& expected) {
  const auto one = torch::tensor(expected, torch::kFloat64);
  CHECK(max_gap(resized, torch::stack({one, 2 * one}, 1)) < 1e-6);
}

}  // namespace

TEST_CASE("a table between corners is what scipy.ndimage.zoom of order 1 gives", "[published]") {
  // ndimage.zoom(numpy.reshape([1, 2, 4, 8, 16, 32, 64, 128, 256], (3, 3)), 5 / 3, order=1)
  check_resized(resize_table(powers(), 25, TableResize::linear_corners),
                {1,  1.5, 2,  3,  4,  4.5, 6.75, 9,  13.5, 18,  8,   12, 16,
                 24, 32,  36, 54, 72, 108, 144,  64, 96,   128, 192, 256});
  check_resized(resize_table(powers(), 4, TableResize::linear_corners), {1, 4, 64, 256});
}

TEST_CASE("a table by cubic convolution", "[published]") {
  // Keys' kernel with a = -0.75, positions (i + 1/2) 3/5 - 1/2, the border repeated; from NumPy:
  //   w(x) = (a + 2)|x|^3 - (a + 3)|x|^2 + 1 up to 1, a|x|^3 - 5a|x|^2 + 8a|x| - 4a up to 2
  check_resized(resize_table(powers(), 25, TableResize::bicubic),
                {0.296512,  0.408032,  0.656,      1.081088,  1.374976,   -0.285664,  -0.393104,
                 -0.632,    -1.041536, -1.324672,  7.232,     9.952,      16.0,       26.368,
                 33.536,    38.669504, 53.213344,  85.552,    140.989696, 179.316992, 62.715904,
                 86.303744, 138.752,   228.663296, 290.824192});
  CHECK(max_gap(resize_table(powers(), 9, TableResize::bicubic), powers()) == 0);
}

TEST_CASE("tables that are no square grid", "[published][errors]") {
  CHECK(square_side(169) == 13);
  CHECK(square_side(168) == 0);
  CHECK_THROWS_WITH(resize_table(torch::zeros({8, 2}), 9, TableResize::bicubic),
                    "a table of [8, 2] is not resized to a grid of 9 cells: both must be square");
  CHECK_THROWS_WITH(resize_table(torch::zeros({9, 2}), 8, TableResize::bicubic),
                    Catch::Contains("8 cells"));
  CHECK_THROWS_WITH(resize_table(torch::zeros({9}), 9, TableResize::bicubic),
                    Catch::Contains("[9]"));
}

TEST_CASE("what is left out is reported with its reason", "[published]") {
  Translation translation{{{"a.x", torch::zeros({1})}, {"b", torch::zeros({1})}}, {}, {}};
  leave_out(
      translation, [](const std::string& name) { return name.starts_with("a."); }, "a head");
  CHECK(translation.tensors.size() == 1);
  CHECK(translation.ignored == std::vector<std::string>{"a.x: a head"});
}
