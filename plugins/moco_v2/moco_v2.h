#pragma once

#include "covector/networks/global_features.h"
#include "covector/networks/queue.h"
#include "covector/transforms/view_pair.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::moco_v2 {

struct Options : transforms::ViewPairOptions {
  std::optional<std::int64_t> hidden;
  std::int64_t embedding = 128;
  double temperature = 0.2;
  double momentum = 0.999;
  std::optional<std::int64_t> queue;
  bool symmetric = false;

  static void describe(Schema<Options>& schema);
};

/// MoCo v2: the query of the first view is to be nearer to the key of the second view, which a
/// momentum copy of the network makes, than to the keys of earlier images.
///
///   L = mean over samples of -log( e^{q k / T} / (e^{q k / T} + sum_queue e^{q n / T}) )
class MocoV2 final : public Method {
 public:
  /// Throws RecipeError where options and backbone do not fit each other.
  MocoV2(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void after_step(std::int64_t step, std::int64_t total) override;
  Transfer transfers() const override { return Transfer::encoder; }
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

 private:
  /// Unit rows [n, embedding].
  at::Tensor query(View& view);
  at::Tensor key(View& view);
  /// L of one direction; puts the keys aside for the queue.
  at::Tensor contrast(const at::Tensor& q, const at::Tensor& k);

  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Head> projector_;
  std::shared_ptr<Backbone> key_backbone_;
  std::shared_ptr<networks::Head> key_projector_;
  std::shared_ptr<networks::Queue> queue_;
  std::int64_t keys_a_pass_;
};

}  // namespace covector::moco_v2
