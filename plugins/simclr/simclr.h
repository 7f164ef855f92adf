#pragma once

#include "covector/networks/global_features.h"
#include "covector/transforms/view_pair.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::simclr {

struct Options : transforms::ViewPairOptions {
  std::optional<std::int64_t> hidden;
  std::int64_t embedding = 128;
  double temperature = 0.5;
  std::string head_norm = "none";

  static void describe(Schema<Options>& schema);
};

/// SimCLR: of the 2N views of a batch, each is to be nearest to the other view of its sample.
///
///   L = mean over 2N rows a of -s_ab / T + log sum_{c != a} e^{s_ac / T},   s = cosine of z
class SimClr final : public Method {
 public:
  /// Throws RecipeError where options, backbone and batch do not fit each other.
  SimClr(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  Transfer transfers() const override { return Transfer::encoder; }
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

 private:
  /// Both views at once: statistics over a batch are over all 2N rows, as in the authors' code.
  std::pair<networks::GlobalFeatures, networks::GlobalFeatures> features(Views& views);

  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Head> projector_;
};

}  // namespace covector::simclr
