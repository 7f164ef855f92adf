#pragma once

#include "analysis/features.h"
#include "analysis/result.h"
#include "analysis/runs.h"

#include <iosfwd>

namespace covector::analysis {

/// What `covector analyse` is asked for.
struct Request {
  std::string name;                                 // one of those that analyse() knows
  std::vector<std::filesystem::path> folders = {};  // runs, or benchmarks
  std::filesystem::path data = {};  // whose [dataset] has labels; empty: each run's own
  std::filesystem::path output =
      {};  // the folder that gets analysis/; empty: the only one of `folders`
  std::int64_t images = 8;
  std::int64_t pixels = 1000;
  double perplexity = 30;
};

/// Pixel features of pretrained networks in the plane, a panel a network, coloured by label.
/// Features are those of the finest level, scaled to unit length, of the same pixels everywhere; as
/// many of each class. The table has the divergence of each map, and how often the nearest of the
/// other pixels, by cosine, is of the same class.
COVECTOR_API Result tsne_maps(const Request& request, Registries& registries, PluginLoader& loader,
                              std::ostream& out);

/// Over-dispersion: losses::over_dispersion and losses::effective_rank of the finest features, the
/// mean over images; and the last "cover/largest_vector_weight" of a run's log, where it has one.
COVECTOR_API Result dispersion(const Request& request, Registries& registries, PluginLoader& loader,
                               std::ostream& out);

/// Pearson's correlation of the scores of the same cases between runs that differ in their seed,
/// for every pair of runs. The scores are those of the task's first metric.
COVECTOR_API Result test_retest(const Request& request);

/// What each pretraining's method draws of two training images with the weights it ended with: of
/// COVER the moving view, warped by the displacement after each level. Pictures go to
/// OUTPUT/analysis/pictures/NAME.
COVECTOR_API Result pictures(const Request& request, Registries& registries, PluginLoader& loader,
                             std::ostream& out);

/// The curves of a benchmark's logs: a panel a pretraining with its losses, and a panel a task and
/// metric of the validation images with a line a pretraining; of the first seed.
COVECTOR_API Result convergence(const Request& request);

/// Makes one analysis, writes it to OUTPUT/analysis/NAME.json and prints its table and the file.
/// Throws RecipeError for an unknown name or a request that does not fit; DataError; Error.
COVECTOR_API int analyse(const Request& request, Registries& registries, PluginLoader& loader,
                         std::ostream& out);

/// The share of pixels whose most similar other one, by cosine, has the same label.
/// @param features  [n, C] of unit length
/// @param labels    [n]
COVECTOR_API double nearest_agreement(const at::Tensor& features, const at::Tensor& labels);

}  // namespace covector::analysis
