#include "patches.h"

#include "covector/networks/tokens.h"

#include <torch/types.h>

namespace covector::swinunet {

using networks::Conv;
using networks::LayerNorm;
using networks::Linear;
using networks::on_tokens;

PatchEmbed::PatchEmbed(std::int64_t in, std::int64_t channels)
    : proj_(register_module("proj", std::make_shared<Conv>(2, in, channels, kPatch))),
      norm_(register_module("norm", std::make_shared<LayerNorm>(channels))) {}

at::Tensor PatchEmbed::forward(const at::Tensor& image) const {
  // By hand: the layer's own forward pass goes in steps of one pixel.
  const auto patches = at::conv2d(image, proj_->weight, proj_->bias, kPatch);
  return norm_->forward(patches.permute({0, 2, 3, 1}));
}

PatchMerging::PatchMerging(std::int64_t channels)
    : reduction_(register_module("reduction",
                                 std::make_shared<Linear>(4 * channels, 2 * channels, false))),
      norm_(register_module("norm", std::make_shared<LayerNorm>(4 * channels))) {}

at::Tensor PatchMerging::forward(const at::Tensor& map) const {
  const auto n = map.size(0), h = map.size(1) / 2, w = map.size(2) / 2, c = map.size(3);
  // Column by column: (even row, even column), (odd, even), (even, odd), (odd, odd).
  const auto cells =
      map.reshape({n, h, 2, w, 2, c}).permute({0, 1, 3, 4, 2, 5}).reshape({n, h, w, 4 * c});
  return on_tokens(*reduction_, norm_->forward(cells));
}

PatchExpand::PatchExpand(std::int64_t in, std::int64_t out, std::int64_t factor)
    : factor_(factor),
      expand_(
          register_module("expand", std::make_shared<Linear>(in, factor * factor * out, false))),
      norm_(register_module("norm", std::make_shared<LayerNorm>(out))) {}

at::Tensor PatchExpand::forward(const at::Tensor& map) const {
  const auto n = map.size(0), h = map.size(1), w = map.size(2);
  // Row by row, unlike the merging.
  const auto cells = on_tokens(*expand_, map)
                         .reshape({n, h, w, factor_, factor_, -1})
                         .transpose(2, 3)
                         .reshape({n, h * factor_, w * factor_, -1});
  return norm_->forward(cells);
}

}  // namespace covector::swinunet
