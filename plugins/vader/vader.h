#pragma once

#include "matches.h"

#include "covector/core/method.h"
#include "covector/networks/heads.h"
#include "covector/networks/queue.h"

#include <memory>
#include <optional>
#include <vector>

namespace covector::vader {

struct Options {
  std::vector<std::int64_t> crop{384};
  std::optional<std::int64_t> pixels;
  double foreground = 0.05;
  bool anchor = true;
  std::int64_t embedding = 128;
  double temperature = 0.07;
  double momentum = 0.999;
  std::int64_t queue = 65536;

  static void describe(Schema<Options>& schema);
};

/// VADeR: a pixel of one view against the same pixel in the other, with pixels of other images as
/// negatives.
///
/// Of each sample some pixels are drawn that both views show (draw_matches()). The online network
/// embeds them in the first view, where they are voxels of the grid; a momentum copy embeds them in
/// the second, where features are interpolated. The head is applied to those pixels alone. The loss
/// is InfoNCE against the keys of earlier steps.
class Vader final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  Vader(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void after_step(std::int64_t step, std::int64_t total) override;
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

 private:
  Matches matches_of(View& first, const View& second, std::optional<at::Generator> generator) const;
  at::Tensor query(const at::Tensor& image, const Matches& matches) const;
  at::Tensor key(const at::Tensor& image, const Matches& matches) const;

  Options options_;
  std::int64_t pixels_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Head> head_;
  std::shared_ptr<Backbone> key_backbone_;
  std::shared_ptr<networks::Head> key_head_;
  std::shared_ptr<networks::Queue> queue_;
};

}  // namespace covector::vader
