#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/published.h"
#include "swinunet.h"
#include "window_attention.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::testing;
using swinunet::Swinunet;
using Names = std::vector<std::string>;

namespace {

/// Windows of 4 on grids of 32, 16, 8 and 4, for images of 128.
Swinunet small(std::int64_t size = 128) {
  swinunet::Options options;
  options.image_size = {size};
  options.window = 4;
  options.embed_dim = 6;
  options.heads = {1, 2, 3, 6};
  return {options, {1, 2}};
}

const std::string kAttention = "layers.1.blocks.0.attn.";

}  // namespace

TEST_CASE("buffers and the head of the authors' network are left out", "[swinunet][weights]") {
  const auto one = torch::zeros({1});
  const auto translation = small().from_published({{"layers.0.blocks.1.attn_mask", one},
                                                   {kAttention + "relative_position_index", one},
                                                   {"output.weight", one},
                                                   {"norm.weight", one}});
  CHECK(translation.tensors.size() == 1);
  CHECK(translation.ignored ==
        Names{"layers.0.blocks.1.attn_mask: computed from the sizes",
              kAttention + "relative_position_index: computed from the sizes",
              "output.weight: the authors' head"});
}

TEST_CASE("bias tables of another window are resized", "[swinunet][weights]") {
  // 7 x 7 positions a head here, 13 x 13 in the weights of windows of 7.
  const auto name = kAttention + "relative_position_bias_table";
  const auto table = torch::arange(169. * 2).view({169, 2}).to(torch::kFloat32).sin();
  const auto translation = small().from_published({{name, table}});
  CHECK(translation.changed == Names{name + ": [169, 2] -> [49, 2], bicubic"});
  CHECK(max_gap(translation.tensors.at(name),
                networks::resize_table(table, 49, networks::TableResize::bicubic)) == 0);
  // Other heads are another network: left for the report to say.
  const auto other = small().from_published({{name, torch::zeros({169, 3})}});
  CHECK(other.changed.empty());
  CHECK(other.tensors.at(name).size(0) == 169);
  CHECK_THROWS_WITH(small().from_published({{name, torch::zeros({168, 2})}}),
                    Catch::Contains("both must be square"));
}

TEST_CASE("the authors' buffers are added: an index a block, a mask where windows are shifted",
          "[swinunet][weights]") {
  const auto net = small();
  StateDict own;
  for (const auto& item : net.named_parameters()) own[item.key()] = item.value();
  const auto published = net.to_published(own);
  Names masks;
  std::size_t indices = 0;
  for (const auto& item : published) {
    if (item.first.ends_with("attn_mask")) masks.push_back(item.first);
    if (item.first.ends_with("relative_position_index")) ++indices;
  }
  // Blocks: 8 in the encoder and 6 in the decoder. The coarsest grid is one window.
  CHECK(indices == 14);
  CHECK(masks == Names{"layers.0.blocks.1.attn_mask", "layers.1.blocks.1.attn_mask",
                       "layers.2.blocks.1.attn_mask", "layers_up.1.blocks.1.attn_mask",
                       "layers_up.2.blocks.1.attn_mask", "layers_up.3.blocks.1.attn_mask"});
  CHECK(published.size() == own.size() + 20);
  // Decoder stage 3 mirrors encoder stage 0: 32 x 32 tokens, 64 windows of 16.
  const auto& mask = published.at("layers_up.3.blocks.1.attn_mask");
  CHECK(mask.sizes() == at::IntArrayRef({64, 16, 16}));
  CHECK(mask.scalar_type() == torch::kFloat32);
  CHECK(published.at("layers_up.1.blocks.1.attn_mask").sizes() == at::IntArrayRef({4, 16, 16}));
  CHECK(torch::equal(published.at(kAttention + "relative_position_index"),
                     swinunet::relative_positions(4)));
  // What goes out comes in.
  const auto back = net.from_published(published);
  CHECK(back.tensors.size() == own.size());
  CHECK(back.ignored.size() == 20);
}

TEST_CASE("grids that windows do not fill have no mask in the authors' code",
          "[swinunet][weights]") {
  // Grids of 40, 20, 10 and 5: only the first two are whole windows of 4.
  const auto net = small(160);
  StateDict own;
  for (const auto& item : net.named_parameters()) own[item.key()] = item.value();
  Names masks;
  for (const auto& item : net.to_published(own))
    if (item.first.ends_with("attn_mask")) masks.push_back(item.first);
  CHECK(masks == Names{"layers.0.blocks.1.attn_mask", "layers.1.blocks.1.attn_mask",
                       "layers_up.2.blocks.1.attn_mask", "layers_up.3.blocks.1.attn_mask"});
}
