#pragma once

#include "covector/core/backbone.h"
#include "covector/core/schema.h"

#include "patches.h"
#include "stage.h"

#include <memory>
#include <string>
#include <vector>

namespace covector::swinunet {

struct Options {
  std::vector<std::int64_t> image_size{224};
  std::int64_t window = 7;
  std::int64_t embed_dim = 96;
  std::vector<std::int64_t> depths{2, 2, 2, 2};
  std::vector<std::int64_t> heads{3, 6, 12, 24};
  double mlp_ratio = 4;
  double drop_path = 0.2;
  std::string bridge = "x2";
  bool repeat3 = false;
  std::vector<std::string> checkpoint;

  static void describe(Schema<Options>& schema);
};

/// Side of the windows of each of the four stages: `window`, or the shorter side of the stage's
/// grid (image_size / 4, / 8, / 16, / 32) where that is no longer.
std::vector<std::int64_t> stage_windows(const Options& options);

/// A U-Net of Swin transformer blocks, 2D: tokens of 4 x 4 pixels, four scales of attention inside
/// shifted windows, a decoder of the same blocks with skip connections, and a last step from stride
/// 4 to 1. Any size that 32 divides runs.
///
/// Levels, coarsest first, for embed_dim C: 8C at stride 32, after `norm`; 4C at 16 and 2C at 8,
/// before their expansion; C at 4, after `norm_up`; with bridge "x2" C at 2, the finest averaged
/// over 2 x 2; C at 1, after `up`.
/// Source: H. Cao et al., Swin-Unet, ECCV Workshops 2022; HuCaoFighting/Swin-Unet at f48f623,
/// networks/swin_transformer_unet_skip_expand_decoder_sys.py. Parameters bear the names they have
/// there; its buffers attn_mask and relative_position_index follow from the sizes and are none
/// here.
class Swinunet final : public Backbone {
 public:
  /// Throws RecipeError for images that are not 2D, and for repeat3 with more than one channel.
  Swinunet(const Options& options, const InputSpec& input);

  std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) override;
  std::vector<std::int64_t> channels() const override;
  std::vector<std::int64_t> strides() const override;
  std::int64_t size_divisor() const override { return 32; }
  std::int64_t dimensions() const override { return 2; }
  std::size_t level_of(std::string_view name) const override;
  std::shared_ptr<Backbone> fresh() const override;
  Translation from_published(StateDict published) const override;
  StateDict to_published(StateDict own) const override;

 private:
  void add_encoder(const std::vector<BlockShape>& shapes,
                   const std::vector<std::vector<double>>& drop_path);
  void add_decoder(const std::vector<BlockShape>& shapes,
                   const std::vector<std::vector<double>>& drop_path);
  void draw_weights();
  at::Tensor embed(const at::Tensor& image) const;
  /// Tokens after stage i of the encoder, on the grid of the next.
  at::Tensor down(std::size_t i, const at::Tensor& tokens) const;
  /// Tokens after stage i of the decoder, 1 to 3.
  at::Tensor up(std::size_t i, const at::Tensor& tokens, const at::Tensor& skip) const;
  /// The map at stride 1.
  at::Tensor finest(const at::Tensor& tokens) const;
  bool averaged() const { return options_.bridge == "x2"; }

  Options options_;
  InputSpec input_;
  networks::Checkpointing checkpointing_;
  std::shared_ptr<PatchEmbed> patch_embed_;
  std::vector<std::shared_ptr<Stage>> encoder_;         // finest first
  std::vector<std::shared_ptr<PatchMerging>> merging_;  // after each stage but the last
  std::shared_ptr<networks::LayerNorm> norm_;
  std::vector<std::shared_ptr<PatchExpand>> expand_;  // of decoder stages 1, 2, 3: coarsest first
  std::vector<std::shared_ptr<networks::Linear>> join_;
  std::vector<std::shared_ptr<Stage>> decoder_;
  std::shared_ptr<networks::LayerNorm> norm_up_;
  std::shared_ptr<PatchExpand> up_;
};

}  // namespace covector::swinunet
