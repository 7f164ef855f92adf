#include "support/catch.h"

#include "covector/datasets/picture.h"

#include <torch/types.h>

#include <cmath>
#include <limits>

namespace covector::datasets {
namespace {

constexpr Colour kRed = {255, 0, 0};

Colour pixel(const at::Tensor& picture, std::int64_t row, std::int64_t column) {
  Colour out{};
  for (int channel = 0; channel < 3; ++channel)
    out[channel] = picture[channel][row][column].item<std::uint8_t>();
  return out;
}

at::Tensor black(std::int64_t height, std::int64_t width) {
  return torch::zeros({3, height, width}, torch::kUInt8);
}

// Pixels of a colour as (row, column) pairs in row-major order.
std::vector<std::pair<std::int64_t, std::int64_t>> where_is(const at::Tensor& picture,
                                                            Colour colour) {
  std::vector<std::pair<std::int64_t, std::int64_t>> found;
  for (std::int64_t row = 0; row < picture.size(1); ++row)
    for (std::int64_t column = 0; column < picture.size(2); ++column)
      if (pixel(picture, row, column) == colour) found.emplace_back(row, column);
  return found;
}

TEST_CASE("grey_picture is linear between its ends and flat beyond", "[picture]") {
  const auto image = torch::tensor({-5.0, 0.0, 1.0, 2.0, 4.0, 9.0}).view({1, 1, 6});
  const auto picture = grey_picture(image, 0.0, 4.0);
  REQUIRE(picture.sizes() == at::IntArrayRef({3, 1, 6}));
  // 255 / 4 = 63.75 and 255 / 2 = 127.5, which rounds to even
  const std::vector<int> expected = {0, 0, 64, 128, 255, 255};
  for (std::int64_t i = 0; i < 6; ++i) {
    const auto grey = static_cast<std::uint8_t>(expected[i]);
    CHECK(pixel(picture, 0, i) == Colour{grey, grey, grey});
  }
  CHECK(pixel(grey_picture(image), 0, 0) == Colour{0, 0, 0});
  CHECK(pixel(grey_picture(image), 0, 5) == Colour{255, 255, 255});
  CHECK(grey_picture(torch::ones({1, 2, 2})).sum().item<std::int64_t>() == 0);
}

TEST_CASE("grey_picture keeps the channels of a colour image", "[picture]") {
  const auto image = torch::tensor({1.0, 0.0, 0.4}).view({3, 1, 1});
  CHECK(pixel(grey_picture(image, 0.0, 1.0), 0, 0) == Colour{255, 0, 102});
}

TEST_CASE("middle_slice takes slice D / 2 of a volume", "[picture]") {
  const auto volume = torch::arange(2 * 5 * 3 * 4).view({2, 5, 3, 4});
  CHECK(torch::equal(middle_slice(volume), volume.select(1, 2)));
  const auto image = torch::arange(6).view({1, 2, 3});
  CHECK(torch::equal(middle_slice(image), image));
}

TEST_CASE("heat_picture meets the table at its five anchors and halves between", "[picture]") {
  const auto values = torch::tensor({-1.0, 0.0, 2.0, 4.0, 8.0, 1.0}).view({1, 1, 6});
  const auto picture = heat_picture(values, 0.0, 8.0);
  CHECK(pixel(picture, 0, 0) == Colour{0, 0, 4});
  CHECK(pixel(picture, 0, 1) == Colour{0, 0, 4});
  CHECK(pixel(picture, 0, 2) == Colour{87, 16, 110});
  CHECK(pixel(picture, 0, 3) == Colour{188, 55, 84});
  CHECK(pixel(picture, 0, 4) == Colour{252, 255, 164});
  CHECK(pixel(picture, 0, 5) == Colour{44, 8, 57});  // (43.5, 8, 57): half way, half rounds to even
}

TEST_CASE("displacement_picture has white for rest and a hue a direction", "[picture]") {
  // rest, right, down, left, up, half as long to the right, longer than the longest
  const auto rows = torch::tensor({0.0, 0.0, 2.0, 0.0, -2.0, 0.0, 0.0});
  const auto columns = torch::tensor({0.0, 2.0, 0.0, -2.0, 0.0, 1.0, 50.0});
  const auto picture = displacement_picture(torch::stack({rows, columns}).view({2, 1, 7}), 2.0);
  CHECK(pixel(picture, 0, 0) == Colour{255, 255, 255});
  CHECK(pixel(picture, 0, 1) == Colour{255, 0, 0});
  CHECK(pixel(picture, 0, 2) == Colour{128, 255, 0});  // a quarter turn: between yellow and green
  CHECK(pixel(picture, 0, 3) == Colour{0, 255, 255});
  CHECK(pixel(picture, 0, 4) == Colour{128, 0, 255});
  CHECK(pixel(picture, 0, 5) == Colour{255, 128, 128});
  CHECK(pixel(picture, 0, 6) == Colour{255, 0, 0});
}

TEST_CASE("label_colour repeats in a lighter shade", "[picture]") {
  CHECK(label_colour(1) == Colour{230, 159, 0});
  CHECK(label_colour(7) == Colour{204, 121, 167});
  CHECK(label_colour(8) == Colour{242, 207, 127});
  for (std::int64_t a = 1; a <= 14; ++a)
    for (std::int64_t b = a + 1; b <= 14; ++b) CHECK(label_colour(a) != label_colour(b));
}

TEST_CASE("overlay_labels blends the inside, paints the outline and leaves background",
          "[picture]") {
  auto label = torch::zeros({1, 7, 7}, torch::kInt64);
  label.narrow(1, 1, 5).narrow(2, 1, 5).fill_(1);
  const auto picture = torch::full({3, 7, 7}, 100, torch::kUInt8);
  const auto out = overlay_labels(picture, label, 0.5);
  CHECK(pixel(out, 3, 3) == Colour{165, 130, 50});  // half of (100, 100, 100) and (230, 159, 0)
  CHECK(pixel(out, 1, 3) == label_colour(1));
  CHECK(pixel(out, 5, 5) == label_colour(1));
  CHECK(pixel(out, 6, 6) == Colour{100, 100, 100});
  CHECK(pixel(out, 0, 3) == Colour{100, 100, 100});
  CHECK(where_is(out, label_colour(1)).size() == 16);  // the ring of a 5 x 5 square
}

TEST_CASE("overlay_arrows draws from p to p + u(p)", "[picture]") {
  using Places = std::vector<std::pair<std::int64_t, std::int64_t>>;
  auto field = torch::zeros({2, 5, 9});
  SECTION("no displacement is a dot at every grid point") {
    const auto out = overlay_arrows(black(5, 9), field, 4, kRed);
    CHECK(where_is(out, kRed) == Places{{2, 2}, {2, 6}});
  }
  SECTION("a shift of four to the right, with strokes that go back from its end") {
    field[1][2][2] = 4.0;
    // head 1.4 long: (-1.21, -0.7) and (1.21...) about the end (2, 6), so columns 5, rows 1 and 3
    const auto out = overlay_arrows(black(5, 9), field.narrow(2, 0, 9), 5, kRed);
    CHECK(where_is(out, kRed) ==
          Places{{1, 5}, {2, 2}, {2, 3}, {2, 4}, {2, 5}, {2, 6}, {2, 7}, {3, 5}});
  }
  SECTION("cut at the border, not wrapped") {
    field[0][2][2] = -9.0;
    const auto out = overlay_arrows(black(5, 9), field, 5, kRed);
    CHECK(where_is(out, kRed) == Places{{0, 2}, {1, 2}, {2, 2}, {2, 7}});
  }
  SECTION("grows with an enlarged picture") {
    field[1][2][2] = 2.0;
    const auto out =
        overlay_arrows(black(15, 27), field, 9, kRed);  // one arrow, at (4, 4): outside
    CHECK(where_is(out, kRed) == Places{{13, 13}});
  }
}

TEST_CASE("enlarge repeats pixels", "[picture]") {
  auto picture = black(1, 2);
  picture.select(2, 1).fill_(9);
  const auto out = enlarge(picture, 2);
  REQUIRE(out.sizes() == at::IntArrayRef({3, 2, 4}));
  CHECK(pixel(out, 1, 1) == Colour{0, 0, 0});
  CHECK(pixel(out, 1, 2) == Colour{9, 9, 9});
}

TEST_CASE("side_by_side sets pictures in a row on white", "[picture]") {
  const auto out = side_by_side({black(2, 3), black(1, 1)}, 2);
  REQUIRE(out.sizes() == at::IntArrayRef({3, 2, 6}));
  CHECK(where_is(out, {0, 0, 0}).size() == 7);
  CHECK(pixel(out, 0, 3) == Colour{255, 255, 255});
  CHECK(pixel(out, 0, 5) == Colour{0, 0, 0});
  CHECK(pixel(out, 1, 5) == Colour{255, 255, 255});
}

TEST_CASE("pictures say what does not fit", "[picture][errors]") {
  CHECK_THROWS_WITH(grey_picture(torch::zeros({2, 4, 4})),
                    "image: expected [1, *, *], got [2, 4, 4]");
  CHECK_THROWS_WITH(grey_picture(torch::full({1, 1, 1}, std::nan(""))),
                    "image: holds values that are not finite");
  CHECK_THROWS_WITH(overlay_labels(black(4, 4), torch::zeros({1, 4, 5}, torch::kInt64)),
                    "label: expected [1, 4, 4], got [1, 4, 5]");
  CHECK_THROWS_WITH(overlay_labels(torch::zeros({3, 4, 4}), torch::zeros({1, 4, 4}, torch::kInt64)),
                    "picture: expected uint8 on the CPU");
  CHECK_THROWS_WITH(overlay_arrows(black(4, 6), torch::zeros({2, 4, 4}), 2, kRed),
                    "picture: expected [3, 4, 4], got [3, 4, 6]");
  CHECK_THROWS_WITH(overlay_arrows(black(4, 4), torch::zeros({2, 4, 4}), 0, kRed),
                    "spacing: must be at least 1");
  CHECK_THROWS_WITH(displacement_picture(torch::zeros({3, 4, 4}), 1),
                    "displacement: expected [2, *, *], got [3, 4, 4]");
  CHECK_THROWS_WITH(label_colour(0), "label: only labels from 1 on have a colour");
  CHECK_THROWS_WITH(enlarge(black(1, 1), 0), "factor: must be at least 1");
  CHECK_THROWS_WITH(side_by_side({}), "pictures: none given");
  CHECK_THROWS_WITH(side_by_side({black(1, 1)}, -1), "gap: must be at least 0");
}

}  // namespace
}  // namespace covector::datasets
