#pragma once

#include "covector/core/backbone.h"
#include "covector/core/schema.h"
#include "covector/networks/blocks.h"
#include "covector/networks/checkpointing.h"

namespace covector::unet {

struct Options {
  std::vector<std::int64_t> channels{32, 64, 128, 256, 512, 256, 128, 64, 32};
  bool align_corners = false;
  std::vector<std::string> checkpoint;

  static void describe(Schema<Options>& schema);
};

/// Encoder and decoder of five scales with skip connections, 2D and 3D; five pyramid levels at
/// strides 16, 8, 4, 2, 1.
/// Source: the U-Net of YutingHe-list/COVER (f5e6dd0), models/backbone/UNet.py. Parameters bear the
/// names they have there.
class Unet final : public Backbone {
 public:
  Unet(const Options& options, const InputSpec& input);

  std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) override;
  std::vector<std::int64_t> channels() const override;
  std::vector<std::int64_t> strides() const override { return {16, 8, 4, 2, 1}; }
  std::int64_t size_divisor() const override { return 16; }
  std::int64_t dimensions() const override { return input_.dimensions; }
  std::size_t level_of(std::string_view name) const override;
  std::shared_ptr<Backbone> fresh() const override;
  Translation from_published(StateDict published) const override;

 private:
  /// Maps of the encoder, finest first.
  std::vector<at::Tensor> encoder(const at::Tensor& x) const;
  /// The next finer map of the decoder.
  at::Tensor up(std::size_t i, const at::Tensor& skip, const at::Tensor& map) const;

  Options options_;
  InputSpec input_;
  networks::Checkpointing checkpointing_;
  std::vector<std::shared_ptr<networks::DoubleConv>> down_;  // finest first
  std::vector<std::shared_ptr<networks::DoubleConv>> up_;    // coarsest first
};

}  // namespace covector::unet
