// The analyses that look at pretrained networks.
#include "analysis/analyses.h"

#include "assemble.h"
#include "batches.h"
#include "checkpoint.h"
#include "covector/core/error.h"
#include "covector/losses/over_dispersion.h"
#include "covector/losses/tsne.h"
#include "run_log.h"
#include "train.h"
#include "train_run.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <ostream>

namespace covector::analysis {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

/// Pretrained networks by name, with the images that they look at.
struct Networks {
  std::vector<NamedRun> runs;
  std::vector<std::shared_ptr<Backbone>> backbones;
  LabelledImages images;
};

/// All networks see the same windows, whose sides each of them takes.
Networks networks_of(const Request& request, Registries& registries, PluginLoader& loader,
                     std::ostream& out) {
  Networks all{pretrainings(request.folders), {}, {}};
  const auto data = request.data.empty() ? all.runs.front().folder / "recipe.toml" : request.data;
  const auto input = input_of(data, registries, loader);
  std::int64_t divisor = 1;
  for (const auto& run : all.runs) {
    all.backbones.push_back(
        pretrained_backbone(run.folder, input, registries, loader,
                            [&](const std::string& text) { out << "warning: " << text << "\n"; }));
    divisor = std::lcm(divisor, all.backbones.back()->size_divisor());
  }
  all.images = labelled_images(data, request.images, divisor, registries, loader);
  return all;
}

at::Tensor finest(Backbone& backbone, const Batch& window) {
  return backbone.pyramid(window.image).back().to(torch::kFloat32);
}

std::string about_images(const Networks& networks) {
  return "finest level of each network as pretrained, on " +
         std::to_string(networks.images.windows.size()) + " labelled " + networks.images.split +
         " images, each cut to a window about what is labelled";
}

/// Rows of unit length: the features of the chosen pixels of all windows.
at::Tensor chosen_features(Backbone& backbone, const LabelledImages& images,
                           const ChosenPixels& chosen) {
  std::vector<at::Tensor> rows;
  for (std::size_t w = 0; w < images.windows.size(); ++w) {
    const auto flat = finest(backbone, images.windows[w]).flatten(2).squeeze(0);
    rows.push_back(flat.index_select(1, chosen.positions[w]).t());
  }
  const auto all = torch::cat(rows).to(torch::kFloat64);
  return all / all.norm(2, {1}, true).clamp_min(1e-12);
}

Json points_of(const at::Tensor& map, const at::Tensor& labels) {
  auto points = Json::array();
  const auto at = map.accessor<double, 2>();
  const auto label = labels.accessor<std::int64_t, 1>();
  // Three digits of a map's extent are more than a plot shows.
  const auto unit = map.abs().max().item<double>() / 1000;
  const auto rounded = [&](double x) { return unit > 0 ? std::round(x / unit) : 0; };
  for (std::int64_t i = 0; i < map.size(0); ++i)
    points.push_back({rounded(at[i][0]), rounded(at[i][1]), label[i]});
  return points;
}

/// The mean of an image's measures over images that have them.
class Means {
 public:
  void add(const std::string& name, const at::Tensor& value) {
    const auto number = value.item<double>();
    if (std::isfinite(number)) values_[name].push_back(number);
  }
  std::optional<double> of(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    const auto& all = found->second;
    return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
  }

 private:
  std::map<std::string, std::vector<double>> values_;
};

Means measured(Backbone& backbone, const LabelledImages& images) {
  Means means;
  for (const auto& window : images.windows) {
    const auto features = finest(backbone, window);
    const auto found =
        losses::over_dispersion(features, labels_at(*window.label, backbone.strides().back()));
    means.add("within mean", found.within->mean);
    means.add("within p99", found.within->p99);
    means.add("across mean", found.across->mean);
    means.add("across p99", found.across->p99);
    means.add("rank", losses::effective_rank(features));
  }
  return means;
}

/// The last value of that name in a run's log; nothing where it has none.
std::optional<double> last_logged(const fs::path& run, const std::string& name) {
  std::optional<double> last;
  for (const auto& step : read_log(run))
    if (const auto value = step.values.find(name); value != step.values.end()) last = value->second;
  return last;
}

/// Two training images of a run as its method sees them, drawn with the weights it ended with.
void draw(const fs::path& run, const fs::path& folder, Registries& registries, PluginLoader& loader,
          const std::function<void(const std::string&)>& warn) {
  Problems problems;
  const auto plan = read_plan(load_recipe(run / "recipe.toml"), registries, loader, problems);
  problems.raise();
  const auto built = assemble(plan, registries, loader, /*open_data=*/true);
  const auto weights = CheckpointFolder(run / "checkpoints", 1).best_or_latest(warn);
  if (!weights) throw Error("the run " + run.string() + " has no checkpoint");
  restore_weights(built.learner->module(), weights->second);
  built.learner->module().eval();
  const auto indices = training_indices(plan, *built.dataset);
  const auto size = static_cast<std::int64_t>(indices.size());
  std::vector<Samples> samples(static_cast<std::size_t>(built.learner->images_per_sample()));
  for (std::size_t image = 0; image < samples.size(); ++image)
    for (std::int64_t i = 0; i < std::min<std::int64_t>(2, size); ++i) {
      const auto position = (i + static_cast<std::int64_t>(image)) % size;
      samples[image].list.push_back(built.dataset->stored(indices[position]));
      samples[image].positions.push_back(position);
    }
  auto views = built.chains->make(samples, plan.seed, 0);
  built.learner->draw(views, folder);
}

}  // namespace

double nearest_agreement(const at::Tensor& features, const at::Tensor& labels) {
  auto similarity = features.mm(features.t());
  similarity.fill_diagonal_(-2);
  const auto nearest = labels.index_select(0, similarity.argmax(1));
  return (nearest == labels).to(torch::kFloat64).mean().item<double>();
}

Result tsne_maps(const Request& request, Registries& registries, PluginLoader& loader,
                 std::ostream& out) {
  const torch::NoGradGuard no_grad;
  auto networks = networks_of(request, registries, loader, out);
  Result result{"tsne", "Pixel features in the plane, by label", {}, "scatter", {}, {}};
  result.table.columns = {"pretraining", "pixels", "divergence [nats]",
                          "nearest of same label [%]"};
  auto panels = Json::array();
  for (std::size_t i = 0; i < networks.runs.size(); ++i) {
    auto& backbone = *networks.backbones[i];
    std::vector<at::Tensor> labels;
    for (const auto& window : networks.images.windows)
      labels.push_back(labels_at(*window.label, backbone.strides().back()));
    const auto chosen = choose_pixels(labels, request.pixels);
    const auto features = chosen_features(backbone, networks.images, chosen);
    const auto map = losses::tsne(features, {request.perplexity, 1000});
    const auto agreement = 100 * nearest_agreement(features, chosen.labels);
    panels.push_back({{"title", networks.runs[i].name},
                      {"note", std::to_string(std::lround(agreement)) +
                                   " % of the pixels are nearest to one of their own label"},
                      {"x", ""},
                      {"y", ""},
                      {"line", "none"},
                      {"points", points_of(map.points, chosen.labels)}});
    result.table.rows.push_back(
        {networks.runs[i].name, static_cast<double>(features.size(0)), map.divergence, agreement});
  }
  result.about = "Features of the " + about_images(networks) +
                 ". The same pixels of every network, as many of each label, features scaled to "
                 "unit length; exact t-SNE of perplexity " +
                 std::to_string(std::lround(request.perplexity)) +
                 ", 1000 steps from the principal components. Distances between clusters and axes "
                 "mean nothing; the table counts in the features themselves, by cosine.";
  result.drawing["classes"] = networks.images.classes;
  result.drawing["panels"] = std::move(panels);
  return result;
}

Result dispersion(const Request& request, Registries& registries, PluginLoader& loader,
                  std::ostream& out) {
  const torch::NoGradGuard no_grad;
  auto networks = networks_of(request, registries, loader, out);
  Result result{
      "dispersion", "Over-dispersion: how far neighbouring features lie apart", {}, "bars", {}, {}};
  const std::vector<std::string> measures = {"within mean", "across mean", "within p99",
                                             "across p99"};
  result.table.columns = {"pretraining", "within mean",    "across mean",          "within p99",
                          "across p99",  "effective rank", "largest vector weight"};
  auto bars = Json::array();
  for (std::size_t i = 0; i < networks.runs.size(); ++i) {
    const auto& run = networks.runs[i];
    const auto means = measured(*networks.backbones[i], networks.images);
    auto values = Json::array();
    std::vector<Table::Cell> row{run.name};
    for (const auto& measure : measures) {
      const auto value = means.of(measure);
      values.push_back(value ? Json(*value) : Json());
      row.emplace_back(value);
    }
    row.emplace_back(means.of("rank"));
    row.emplace_back(last_logged(run.folder, "cover/largest_vector_weight"));
    result.table.rows.push_back(std::move(row));
    bars.push_back({{"name", run.name}, {"values", std::move(values)}});
  }
  result.about =
      "1 - cos between features of neighbouring pixels (4 neighbours in 2D, 6 in 3D), " +
      about_images(networks) +
      ": pairs within one label and pairs across a boundary, the mean and the 99th percentile of "
      "an image, then the mean over images. Large within a label is over-dispersion; small within "
      "and across is collapse. The effective rank is the number of directions that features "
      "spread over; the largest weight of a vector embedding unit is the last that its "
      "pretraining logged, 1 where a vector rests on a single neighbour.";
  result.drawing["panels"] = Json::array({Json{{"title", "Distance of neighbours"},
                                               {"y", "1 - cos"},
                                               {"groups", measures},
                                               {"bars", std::move(bars)}}});
  return result;
}

Result pictures(const Request& request, Registries& registries, PluginLoader& loader,
                std::ostream& out) {
  const torch::NoGradGuard no_grad;
  const auto warn = [&](const std::string& text) { out << "warning: " << text << "\n"; };
  auto rows = Json::array();
  for (const auto& run : pretrainings(request.folders)) {
    const auto place = fs::path("pictures") / run.name;
    const auto folder = request.output / "analysis" / place;
    fs::remove_all(folder);  // of an earlier analysis
    draw(run.folder, folder, registries, loader, warn);
    std::ifstream file(folder / "pictures.json");
    if (!file) continue;  // the method draws nothing
    auto pictures = Json::array();
    for (const auto& picture : Json::parse(file))
      pictures.push_back({{"file", (place / picture.at("file").get<std::string>()).string()},
                          {"title", picture.at("title")}});
    rows.push_back({{"title", run.name}, {"pictures", std::move(pictures)}});
  }
  if (rows.empty()) throw RecipeError("none of these methods draws pictures");
  Result result{"pictures", "What the methods see and predict", {}, "pictures", {}, {}};
  result.about =
      "Two training images with the weights that each pretraining ended with. Of COVER, the moving "
      "view is warped by the displacement after each level, coarse to fine: it should come to look "
      "like the fixed one.";
  result.drawing["rows"] = std::move(rows);
  return result;
}

}  // namespace covector::analysis
