#include "support/catch.h"
#include "support/numeric.h"

#include "transunet.h"

#include <torch/types.h>

#include <algorithm>

using namespace covector;
using namespace covector::testing;
using Catch::Contains;
using transunet::Transunet;
using Names = std::vector<std::string>;

namespace {

const std::string kPositions = "transformer.embeddings.position_embeddings";

/// 4 x 4 positions of 8 channels.
Transunet small() {
  transunet::Options options;
  options.image_size = 64;
  options.width = 32;
  options.units = {1, 1, 1};
  options.layers = 1;
  options.hidden = 8;
  options.mlp = 12;
  options.heads = 2;
  options.channels = {8, 8, 8, 8, 8};
  return {options, {1, 2}};
}

at::Tensor numbers(const std::vector<std::int64_t>& sizes) {
  return torch::arange(torch::empty(sizes).numel(), torch::kFloat32).view(sizes);
}

}  // namespace

TEST_CASE("the authors' head is left out, all else stays", "[transunet][weights]") {
  const auto translation = small().from_published({{"segmentation_head.0.weight", numbers({1})},
                                                   {"decoder.conv_more.1.bias", numbers({8})},
                                                   {kPositions, numbers({1, 16, 8})},
                                                   {"what", numbers({1})}});
  CHECK(translation.tensors.size() == 3);
  CHECK(translation.tensors.count("what") == 1);
  CHECK(translation.changed.empty());
  CHECK(translation.ignored == Names{"segmentation_head.0.weight: the authors' head"});
}

TEST_CASE("positions of another grid are interpolated between the corners",
          "[transunet][weights]") {
  // 7 x 7 rows, 3 y + x, to 4 x 4: every second one, so 3 * 2 y + 2 x. The channels differ by 100.
  const auto grid = [](std::int64_t side, double step) {
    const auto place = step * torch::arange(side, torch::kFloat32);
    const auto map = 3 * place.unsqueeze(1) + place.unsqueeze(0);
    return (map.view({1, side * side, 1}) + 100 * torch::arange(8, torch::kFloat32)).contiguous();
  };
  const auto expected = grid(4, 2);
  const auto published = grid(7, 1);
  const auto without = small().from_published({{kPositions, published}});
  CHECK(max_gap(without.tensors.at(kPositions), expected) < 1e-4);
  CHECK(without.changed == Names{kPositions + ": [1, 49, 8] -> [1, 16, 8], bilinear"});
  // A class token is the first row of one more.
  const auto token = torch::full({1, 1, 8}, -1e6);
  const auto with = small().from_published({{kPositions, torch::cat({token, published}, 1)}});
  CHECK(max_gap(with.tensors.at(kPositions), expected) < 1e-4);
  CHECK(with.changed ==
        Names{kPositions + ": [1, 50, 8] -> [1, 16, 8], without the class token, bilinear"});
  const auto same = small().from_published({{kPositions, torch::cat({token, expected}, 1)}});
  CHECK(torch::equal(same.tensors.at(kPositions), expected));
}

TEST_CASE("positions that are none", "[transunet][weights][errors]") {
  for (const auto& sizes : std::vector<std::vector<std::int64_t>>{{1, 48, 8}, {1, 49, 7}, {49, 8}})
    CHECK_THROWS_WITH(small().from_published({{kPositions, numbers(sizes)}}),
                      Contains(" is no table of positions for [1, 16, 8]"));
}

TEST_CASE("the names and layouts of ImageNet-21k's weights", "[transunet][weights]") {
  const std::string resnet = "transformer.embeddings.hybrid_model.";
  const std::string layer = "transformer.encoder.layer.0.";
  const std::string jax = "Transformer/encoderblock_0/";
  const auto attention = jax + "MultiHeadDotProductAttention_1/";
  const auto kernel = numbers({3, 3, 2, 5});  // height, width, in, out
  const auto heads = numbers({8, 2, 4});      // in, head, channel of the head
  const auto translation =
      small().from_published({{"conv_root/kernel", kernel},
                              {"gn_root/scale", numbers({1, 1, 1, 32})},
                              {"block1/unit1/conv2/kernel", kernel},
                              {"block2/unit1/conv_proj/kernel", kernel},
                              {"block2/unit1/gn_proj/bias", numbers({1, 1, 1, 4})},
                              {"block3/unit9/gn3/scale", numbers({1, 1, 1, 4})},
                              {"embedding/kernel", numbers({1, 1, 4, 8})},
                              {jax + "LayerNorm_0/scale", numbers({8})},
                              {jax + "LayerNorm_2/bias", numbers({8})},
                              {jax + "MlpBlock_3/Dense_0/kernel", numbers({8, 12})},
                              {jax + "MlpBlock_3/Dense_1/bias", numbers({8})},
                              {attention + "query/kernel", heads},
                              {attention + "key/bias", numbers({2, 4})},
                              {attention + "out/kernel", numbers({2, 4, 8})},
                              {attention + "out/bias", numbers({8})},
                              {"Transformer/encoder_norm/scale", numbers({8})},
                              {"Transformer/posembed_input/pos_embedding", numbers({1, 17, 8})},
                              {"head/kernel", numbers({8, 3})},
                              {"pre_logits/bias", numbers({8})},
                              {"cls", numbers({1, 1, 8})},
                              {"extra/thing", numbers({1})}});
  const auto& own = translation.tensors;
  CHECK(own.size() == 18);
  CHECK(own.count("extra/thing") == 1);  // unexpected: not for this function to say
  CHECK(translation.ignored.size() == 3);
  CHECK(translation.changed.size() == 18);  // 17 names, and the positions without a class token

  const auto& root = own.at(resnet + "root.conv.weight");
  REQUIRE(root.sizes() == at::IntArrayRef({5, 2, 3, 3}));
  // out 4, in 1, row 2, column 0 stood at ((2 * 3 + 0) * 2 + 1) * 5 + 4
  CHECK(root[4][1][2][0].item<double>() == 69);
  CHECK(own.at(resnet + "root.gn.weight").sizes() == at::IntArrayRef({32}));
  CHECK(own.at(resnet + "body.block2.unit1.gn_proj.bias").dim() == 1);
  for (const auto* name : {"body.block1.unit1.conv2.weight", "body.block2.unit1.downsample.weight",
                           "body.block3.unit9.gn3.weight"})
    CHECK(own.count(resnet + name) == 1);
  for (const auto* name :
       {"attention_norm.weight", "ffn_norm.bias", "ffn.fc2.bias", "attn.key.bias", "attn.out.bias"})
    CHECK(own.at(layer + name).sizes() == at::IntArrayRef({8}));
  // out 11, in 7 stood at 7 * 12 + 11
  CHECK(own.at(layer + "ffn.fc1.weight").sizes() == at::IntArrayRef({12, 8}));
  CHECK(own.at(layer + "ffn.fc1.weight")[11][7].item<double>() == 95);
  // Of head 1 and channel 2, output 1 * 4 + 2 = 6, the weight of input 3 stood at 3 * 8 + 6.
  CHECK(own.at(layer + "attn.query.weight")[6][3].item<double>() == 30);
  // Of output 5, the weight of head 1 and channel 2, input 6, stood at 6 * 8 + 5.
  CHECK(own.at(layer + "attn.out.weight")[5][6].item<double>() == 53);
  CHECK(own.at("transformer.encoder.encoder_norm.weight").numel() == 8);
  CHECK(own.at("transformer.embeddings.patch_embeddings.weight").sizes() ==
        at::IntArrayRef({8, 4, 1, 1}));
  CHECK(torch::equal(own.at(kPositions), numbers({1, 17, 8}).slice(1, 1)));

  CHECK_THROWS_WITH(small().from_published({{"conv_root/kernel", numbers({5})}}),
                    "'conv_root/kernel' has 1 axes, a kernel has 2 to 4");
}
