#pragma once

#include "covector/core/backbone.h"
#include "covector/core/schema.h"
#include "covector/networks/blocks.h"
#include "covector/networks/checkpointing.h"

#include "kan_block.h"

#include <memory>
#include <utility>
#include <vector>

namespace covector::ukan {

struct Options {
  std::vector<std::int64_t> channels{128, 160, 256};
  std::int64_t levels = 6;
  bool repeat3 = false;
  std::vector<std::string> checkpoint;

  static void describe(Schema<Options>& schema);
};

/// Twice a 3-wide convolution, BatchNorm, ReLU: conv.{0,1,3,4}.
class ConvPair final : public torch::nn::Module {
 public:
  ConvPair(std::int64_t in, std::int64_t middle, std::int64_t out);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::shared_ptr<networks::Conv> conv_[2];
  std::shared_ptr<networks::BatchNorm> norm_[2];
};

/// A KAN block and the LayerNorm after it, on tokens.
struct TokenStage {
  std::shared_ptr<KanBlock> block;
  std::shared_ptr<networks::LayerNorm> norm;

  at::Tensor forward(const at::Tensor& tokens) const {
    return norm->forward(block->forward(tokens));
  }
};

/// A U-Net whose two coarsest scales, and those of the decoder beside them, are tokenised KAN
/// blocks; skips are added. Six pyramid levels at strides 32, 16, 8, 4, 2, 1; 2D. Sides are
/// multiples of 32. In training BatchNorm needs two values a channel at stride 32, so an image of
/// 32 x 32 needs another in its batch. Source: CUHK-AIM-Group/U-KAN (b20bf63), Seg_UKAN/archs.py,
/// without its 1 x 1 output convolution. Parameters and buffers bear the names they have there.
class Ukan final : public Backbone {
 public:
  /// Throws RecipeError for volumes, and for `repeat3` with images of several channels.
  Ukan(const Options& options, const InputSpec& input);

  std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) override;
  at::Tensor encode(const at::Tensor& x) override { return encoder(x).back(); }
  std::int64_t encoder_channels() const override { return options_.channels[2]; }
  std::vector<std::int64_t> channels() const override;
  std::vector<std::int64_t> strides() const override;
  std::int64_t size_divisor() const override { return 32; }
  void check_batch(const std::vector<std::int64_t>& size, std::int64_t batch) const override;
  std::int64_t dimensions() const override { return 2; }
  std::size_t level_of(std::string_view name) const override;
  bool in_encoder(std::string_view name) const override;
  std::shared_ptr<Backbone> fresh() const override;
  Translation from_published(StateDict published) const override;

 private:
  std::shared_ptr<ConvPair> add_pair(const std::string& name, std::int64_t in, std::int64_t middle,
                                     std::int64_t out);
  void add_token_stages();
  /// Maps of the encoder, strides 2, 4, 8, 16, 32.
  std::vector<at::Tensor> encoder(const at::Tensor& x) const;
  at::Tensor down(std::size_t i, const at::Tensor& map) const;
  at::Tensor down_tokens(std::size_t i, const at::Tensor& map) const;
  /// The next finer map of the decoder; there is no skip at stride 1.
  at::Tensor up(std::size_t i, const networks::Maps& map_and_skip) const;
  /// Levels of all six that `options.levels` leaves out.
  std::size_t left_out() const { return static_cast<std::size_t>(6 - options_.levels); }

  Options options_;
  InputSpec input_;
  networks::Checkpointing checkpointing_;
  std::vector<std::shared_ptr<ConvPair>> down_;           // strides 2, 4, 8
  std::vector<std::shared_ptr<ConvPair>> up_;             // to strides 16, 8, 4, 2, 1
  std::vector<std::shared_ptr<PatchEmbed>> patch_embed_;  // to strides 16, 32
  std::vector<TokenStage> down_tokens_;                   // strides 16, 32
  std::vector<TokenStage> up_tokens_;                     // strides 16, 8
};

}  // namespace covector::ukan
