#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/pooling.h"

#include <torch/types.h>

using namespace covector::networks;
using covector::testing::max_gap;

TEST_CASE("the mean over all voxels", "[pooling]") {
  // 0 .. 5 and 6 .. 11
  const auto map = torch::arange(12.0).view({1, 2, 2, 3});
  CHECK(torch::equal(pool_global(map), torch::tensor({{2.5F, 8.5F}})));
  CHECK(torch::equal(pool_global(map.view({2, 1, 1, 2, 3})), torch::tensor({{2.5F}, {8.5F}})));
}

TEST_CASE("means over cells, where voxels at a border may count twice", "[pooling]") {
  // 5 voxels in 2 cells: 0 .. 2 and 2 .. 4. Rows 0 10 20, columns 0 1 2 3 4.
  const auto map = (10 * torch::arange(2.0).unsqueeze(1) + torch::arange(5.0)).view({1, 1, 2, 5});
  CHECK(torch::equal(pool_cells(map, 2),
                     torch::tensor({1.0F, 3.0F, 11.0F, 13.0F}).view({1, 1, 2, 2})));
  const auto deep = torch::arange(16.0).view({1, 2, 2, 2, 2});
  CHECK(torch::equal(pool_cells(deep, 1).flatten(), torch::tensor({3.5F, 11.5F})));
  CHECK(pool_cells(deep, 2).sizes() == deep.sizes());
  CHECK(torch::equal(pool_cells(deep, 2), deep));
}

TEST_CASE("a map as rows, the last axis fastest", "[pooling]") {
  const auto map = torch::arange(12.0).view({1, 2, 2, 3});
  const auto rows = rows_of(map);
  REQUIRE(rows.sizes() == at::IntArrayRef({1, 6, 2}));
  CHECK(torch::equal(rows[0][4], map[0].select(1, 1).select(1, 1)));
  CHECK(torch::equal(rows[0].select(1, 1), torch::arange(6.0) + 6));
  CHECK(rows_of(torch::zeros({2, 3, 4, 5, 6})).sizes() == at::IntArrayRef({2, 120, 3}));
}
