#include "support/catch.h"
#include "support/scratch_folder.h"

#include "covector/datasets/cell_pictures.h"
#include "covector/datasets/image.h"

#include <torch/types.h>

namespace covector::datasets {
namespace {

TEST_CASE("cells are painted on the voxels that they cover", "[picture]") {
  // 2 x 2 cells on 4 x 5 voxels: rows 0 1 | 2 3, columns 0 1 2 | 3 4.
  const auto voxels = cells_on_voxels(torch::tensor({1, 2, 3, 4}), {4, 5});
  const auto wanted = torch::tensor({1, 1, 1, 2, 2, 1, 1, 1, 2, 2,  //
                                     3, 3, 3, 4, 4, 3, 3, 3, 4, 4})
                          .view({1, 4, 5});
  CHECK(torch::equal(voxels, wanted));
  const auto deep = cells_on_voxels(torch::arange(8), {2, 4, 2});
  CHECK(torch::equal(deep[0].select(1, 2), torch::arange(8).view({2, 2, 2}).select(1, 1)));
}

TEST_CASE("cells that fill no grid are refused", "[picture][errors]") {
  CHECK_THROWS_WITH(cells_on_voxels(torch::arange(5), {4, 4}),
                    "5 cells fill no grid of 2 axes with equal sides");
}

// Whether a pixel is grey: its three channels agree.
bool grey(const at::Tensor& picture, std::int64_t row, std::int64_t column) {
  const auto pixel = picture.select(1, row).select(1, column);
  return pixel.min().item<double>() == pixel.max().item<double>();
}

TEST_CASE("positives bear the colour of their query cell", "[picture]") {
  testing::ScratchFolder folder;
  const auto image = torch::rand({1, 1, 384, 384});
  auto positive = torch::zeros({1, 4, 4}, torch::kBool);
  positive[0][1][2] = true;  // upper right -> lower left
  draw_cell_pairs(image, image, positive, folder.path());
  const auto query = read_image(folder / "0-query.png").pixels;
  const auto key = read_image(folder / "0-key.png").pixels;
  REQUIRE(query.sizes() == at::IntArrayRef({3, 384, 384}));
  CHECK_FALSE(grey(query, 50, 300));
  CHECK(grey(query, 50, 50));
  CHECK(grey(query, 300, 50));
  CHECK_FALSE(grey(key, 300, 50));
  CHECK(grey(key, 50, 300));
  CHECK(grey(key, 300, 300));
}

TEST_CASE("of a volume the query cells of the middle slice are shown", "[picture]") {
  testing::ScratchFolder folder;
  const auto image = torch::rand({1, 1, 4, 384, 384});
  // Every cell is a positive of the first; the first lies in the slices before the middle.
  auto positive = torch::zeros({1, 8, 8}, torch::kBool);
  positive[0][0] = true;
  draw_cell_pairs(image, image, positive, folder.path());
  CHECK(grey(read_image(folder / "0-key.png").pixels, 50, 50));
  positive[0][7][4] = true;
  draw_cell_pairs(image, image, positive, folder.path());
  CHECK_FALSE(grey(read_image(folder / "0-query.png").pixels, 300, 300));
  CHECK_FALSE(grey(read_image(folder / "0-key.png").pixels, 50, 50));
  CHECK(grey(read_image(folder / "0-key.png").pixels, 300, 300));
}

}  // namespace
}  // namespace covector::datasets
