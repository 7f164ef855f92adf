#include "support/catch.h"

#include "precision.h"

#include <ATen/autocast_mode.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

using namespace covector;

TEST_CASE("auto is settled by the table of the documentation", "[precision]") {
  const Hardware plain{}, wide{.gpu = false, .avx512 = true, .bfloat16 = false},
      fast{.gpu = false, .avx512 = true, .bfloat16 = true},
      gpu{.gpu = true, .avx512 = false, .bfloat16 = true};
  const auto chosen = [](const Hardware& hardware, const std::string& precision,
                         std::int64_t dimensions) {
    const auto computing = settled({precision, "auto"}, hardware, dimensions);
    return computing.precision + ", " + computing.layout;
  };
  for (const auto dimensions : {2, 3}) {
    CHECK(chosen(plain, "auto", dimensions) == "float32, contiguous");
    CHECK(chosen(plain, "bfloat16", dimensions) == "bfloat16, contiguous");
  }
  CHECK(chosen(wide, "auto", 2) == "float32, channels_last");
  CHECK(chosen(wide, "auto", 3) == "float32, contiguous");
  CHECK(chosen(wide, "bfloat16", 3) == "bfloat16, contiguous");
  CHECK(chosen(fast, "auto", 2) == "bfloat16, channels_last");
  CHECK(chosen(fast, "float32", 2) == "float32, channels_last");
  CHECK(chosen(fast, "auto", 3) == "bfloat16, channels_last");
  CHECK(chosen(fast, "float32", 3) == "float32, contiguous");
  CHECK(chosen(gpu, "auto", 2) == "bfloat16, channels_last");
  CHECK(chosen(gpu, "float32", 2) == "float32, channels_last");
  CHECK(chosen(gpu, "auto", 3) == "bfloat16, contiguous");
}

TEST_CASE("what a recipe says is not replaced", "[precision]") {
  for (const auto* precision : {"float32", "bfloat16"})
    for (const auto* layout : {"contiguous", "channels_last"}) {
      const auto computing =
          settled({precision, layout}, {.gpu = true, .avx512 = false, .bfloat16 = true}, 2);
      CHECK(computing.precision == precision);
      CHECK(computing.layout == layout);
    }
}

TEST_CASE("autocast holds for the life of the object", "[precision]") {
  const torch::NoGradGuard no_grad;
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(1, 2, 3));
  const auto image = torch::ones({1, 1, 4, 4});
  {
    const Autocast on(c10::kCPU, true);
    CHECK(conv->forward(image).scalar_type() == torch::kBFloat16);
    {
      const Autocast inner(c10::kCPU, true);
      CHECK(conv->forward(image).scalar_type() == torch::kBFloat16);
    }
    CHECK(conv->forward(image).scalar_type() == torch::kBFloat16);
  }
  CHECK(conv->forward(image).scalar_type() == torch::kFloat32);
  const Autocast off(c10::kCPU, false);
  CHECK(conv->forward(image).scalar_type() == torch::kFloat32);
  CHECK_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
}

TEST_CASE("channels go innermost in images and convolutions, and nowhere else", "[precision]") {
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(3, 2, 3));
  const auto before = conv->weight.detach().clone();
  use_channels_last(*conv);
  // [2, 3, 3, 3]: a voxel's channels lie side by side
  CHECK(conv->weight.strides().vec() == std::vector<std::int64_t>{27, 1, 9, 3});
  CHECK(at::equal(conv->weight, before));
  CHECK(conv->weight.requires_grad());
  CHECK(conv->bias.strides().vec() == std::vector<std::int64_t>{1});

  Views views;
  views.emplace("flat", View(Batch{torch::rand({1, 2, 3, 4}), std::nullopt, {"a"}}));
  views.emplace("deep", View(Batch{torch::rand({1, 2, 3, 4, 5}), std::nullopt, {"a"}}));
  const auto image = views.at("deep").image().clone();
  use_channels_last(views);
  CHECK(views.at("flat").image().strides().vec() == std::vector<std::int64_t>{24, 1, 8, 2});
  CHECK(views.at("deep").image().strides().vec() == std::vector<std::int64_t>{120, 1, 40, 10, 2});
  CHECK(at::equal(views.at("deep").image(), image));
}

TEST_CASE("an image of one channel makes a convolution work in channels-last layout",
          "[precision]") {
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(1, 4, 3));
  use_channels_last(*conv);
  Views views;
  views.emplace("flat", View(Batch{torch::rand({2, 1, 5, 6}), std::nullopt, {"a", "b"}}));
  const auto image = views.at("flat").image().clone();
  use_channels_last(views);
  CHECK(at::equal(views.at("flat").image(), image));
  // [2, 4, 3, 4]
  CHECK(conv->forward(views.at("flat").image()).strides().vec() ==
        std::vector<std::int64_t>{48, 1, 16, 4});
}
