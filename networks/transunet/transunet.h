#pragma once

#include "decoder.h"
#include "resnet.h"
#include "transformer.h"

#include "covector/core/backbone.h"
#include "covector/core/schema.h"

namespace covector::transunet {

struct Options {
  std::int64_t image_size = 224;
  bool repeat3 = true;
  std::int64_t width = 64;
  std::vector<std::int64_t> units{3, 4, 9};
  std::int64_t layers = 12;
  std::int64_t hidden = 768;
  std::int64_t mlp = 3072;
  std::int64_t heads = 12;
  double dropout = 0.1;
  double attention_dropout = 0.0;
  std::vector<std::int64_t> channels{512, 256, 128, 64, 16};
  std::vector<std::string> checkpoint;

  static void describe(Schema<Options>& schema);
};

/// A ResNet whose coarsest map a vision transformer goes over, and a decoder with skip connections
/// to the ResNet; 2D. Five pyramid levels at strides 16, 8, 4, 2, 1: the decoder's first
/// convolution and its four blocks. encode() is the transformer's map instead, before the decoder.
/// Source: R50-ViT-B_16 of Beckschen/TransUNet (02ef001), networks/vit_seg_modeling.py. Parameters
/// bear the names they have there.
class Transunet final : public Backbone {
 public:
  /// Throws RecipeError for images that are not 2D.
  Transunet(const Options& options, const InputSpec& input);

  std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) override;
  at::Tensor encode(const at::Tensor& x) override;
  std::int64_t encoder_channels() const override { return options_.hidden; }
  std::vector<std::int64_t> channels() const override { return options_.channels; }
  std::vector<std::int64_t> strides() const override { return {16, 8, 4, 2, 1}; }
  void check_batch(const std::vector<std::int64_t>& size, std::int64_t batch) const override;
  std::int64_t size_divisor() const override { return 16; }
  std::int64_t dimensions() const override { return 2; }
  std::size_t level_of(std::string_view name) const override;
  bool in_encoder(std::string_view name) const override;
  std::shared_ptr<Backbone> fresh() const override;
  Translation from_published(StateDict published) const override;

 private:
  /// The transformer's map [N, hidden, H / 16, W / 16], then the skip connections, coarsest first.
  std::vector<at::Tensor> encoder(const at::Tensor& x) const;

  Options options_;
  InputSpec input_;
  std::shared_ptr<Resnet> resnet_;
  std::shared_ptr<Embeddings> embeddings_;
  std::shared_ptr<Encoder> transformer_;
  std::shared_ptr<Decoder> decoder_;
};

}  // namespace covector::transunet
