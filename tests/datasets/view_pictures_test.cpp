#include "support/catch.h"
#include "support/scratch_folder.h"

#include "covector/datasets/view_pictures.h"

#include <torch/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace covector::datasets {
namespace {

TEST_CASE("at most the first four samples are drawn", "[picture]") {
  CHECK(drawn_samples(torch::zeros({3, 1, 2, 2})) == 3);
  CHECK(drawn_samples(torch::zeros({9, 1, 2, 2})) == 4);
}

TEST_CASE("a plane is the middle slice of a sample, in colour where it has three channels",
          "[picture]") {
  const auto image = torch::arange(2 * 2 * 3 * 4).view({2, 2, 3, 4});
  CHECK(torch::equal(plane(image, 1), image[1].narrow(0, 0, 1)));
  const auto colour = torch::arange(2 * 3 * 3 * 4).view({2, 3, 3, 4});
  CHECK(torch::equal(plane(colour, 1), colour[1]));
  const auto volume = torch::arange(2 * 5 * 3 * 4).view({2, 1, 5, 3, 4});
  CHECK(torch::equal(plane(volume, 0), volume[0].select(1, 2)));
}

TEST_CASE("of a displacement the last two components lie in the plane", "[picture]") {
  const auto flat = torch::arange(2 * 2 * 3 * 4).view({2, 2, 3, 4});
  CHECK(torch::equal(in_plane(flat, 1), flat[1]));
  const auto deep = torch::arange(2 * 3 * 5 * 3 * 4).view({2, 3, 5, 3, 4});
  CHECK(torch::equal(in_plane(deep, 1), deep[1].select(1, 2).slice(0, 1, 3)));
}

TEST_CASE("small pictures are enlarged by a whole factor, large ones are not", "[picture]") {
  CHECK(enlarged(torch::zeros({3, 50, 100}, torch::kUInt8)).sizes() ==
        at::IntArrayRef({3, 150, 300}));
  CHECK(enlarged(torch::zeros({3, 500, 100}, torch::kUInt8)).sizes() ==
        at::IntArrayRef({3, 500, 100}));
}

TEST_CASE("a view is grey by its own range or that of another", "[picture]") {
  const auto image = torch::linspace(0, 1, 400).view({1, 1, 400});
  CHECK(torch::equal(view_picture(image), grey_picture(image, 0, 1)));
  CHECK(torch::equal(view_picture(image, image * 2), grey_picture(image, 0, 2)));
  CHECK(torch::equal(heat_view(image, 0.2, 0.5), heat_picture(image, 0.2, 0.5)));
}

TEST_CASE("a region is painted over the view it belongs to", "[picture]") {
  const auto image = torch::linspace(0, 1, 400).view({1, 1, 400});
  const auto region = image > 0.5;
  const auto picture = region_picture(image, region);
  CHECK(torch::equal(picture, overlay_labels(grey_picture(image), region.to(torch::kInt64))));
  const auto grey = grey_picture(image);
  CHECK(torch::equal((picture != grey).any(0, true).logical_and(region.logical_not()),
                     torch::zeros_like(region)));
}

TEST_CASE("a restoration is drawn in the grey values of the clean view", "[picture]") {
  const testing::ScratchFolder folder;
  const auto clean = torch::linspace(0, 1, 2 * 400).view({2, 1, 1, 400});
  draw_restoration(clean, clean + 1, clean * 0.5, folder.path());
  for (const auto* name : {"0-clean", "0-damaged", "0-restored", "0-error", "1-error"})
    CHECK(std::filesystem::exists(folder / (std::string(name) + ".png")));
  CHECK_FALSE(std::filesystem::exists(folder / "2-clean.png"));
}

TEST_CASE("sixteen arrows stand along the longer side", "[picture]") {
  const auto picture = torch::zeros({3, 64, 32}, torch::kUInt8);
  // No displacement: every arrow is a dot.
  const auto dots = with_arrows(picture, torch::zeros({2, 64, 32}), {255, 0, 0});
  CHECK((dots[0] == 255).sum().item<std::int64_t>() == 16 * 8);
  CHECK((with_arrows(picture, torch::zeros({2, 4, 2}), {255, 0, 0})[0] == 255)
            .sum()
            .item<std::int64_t>() == 4 * 2);
}

TEST_CASE("the first samples of all views are drawn, each view under its name", "[picture]") {
  const auto view = [](const at::Tensor& image) {
    return View(Batch{image, {}, std::vector<std::string>(image.size(0), "x"), {}});
  };
  Views views;
  views.emplace("second", view(torch::rand({6, 1, 4, 8, 8})));
  views.emplace("first", view(torch::rand({6, 1, 4, 12, 8})));
  const testing::ScratchFolder folder;
  draw_views(views, folder.path());
  std::set<std::string> wanted{"pictures.json"};
  for (const auto* sample : {"0", "1", "2", "3"})
    for (const auto* name : {"first", "second"})
      wanted.insert(std::string(sample) + "-" + name + ".png");
  std::set<std::string> written;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    written.insert(entry.path().filename().string());
  CHECK(written == wanted);
  const auto table = testing::text_of(folder / "pictures.json");
  CHECK(table.find("first view") < table.find("second view"));
}

}  // namespace
}  // namespace covector::datasets
