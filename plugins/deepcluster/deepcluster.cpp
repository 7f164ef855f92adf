#include "deepcluster.h"

#include "sampler.h"

#include "covector/datasets/view_pictures.h"
#include "covector/losses/clustering.h"
#include "covector/networks/pooling.h"
#include "covector/transforms/chains.h"
#include "covector/transforms/spatial/crop.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace covector::deepcluster {
namespace {

constexpr const char* kMeasures[] = {"mutual_information", "empty_clusters", "largest_cluster",
                                     "distance"};

// What tells whether clustering goes well, in the order of kMeasures.
at::Tensor measured(const losses::Clusters& clusters, const at::Tensor& before, std::int64_t k) {
  const auto n = static_cast<double>(clusters.labels.numel());
  const auto sizes = torch::bincount(clusters.labels, {}, k);
  const auto agreement =
      before.numel() > 0 ? losses::mutual_information(before, clusters.labels) : 0.0;
  return torch::tensor({agreement, (sizes == 0).sum().item<double>(),
                        sizes.max().item<double>() / n, clusters.objective / n},
                       torch::kFloat64);
}

// A seed for what an epoch draws for one purpose.
std::uint64_t seed_of(const EpochContext& context, const std::string& purpose) {
  return RandomStream(context.seed, "deepcluster/" + purpose,
                      {static_cast<std::uint64_t>(context.epoch)})
      .bits64();
}

}  // namespace

at::Tensor centre_crop(const Batch& batch, const std::vector<std::int64_t>& size) {
  View view(batch);
  std::vector<double> begin;
  std::vector<double> window;
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    const auto side = view.size()[axis];
    window.push_back(static_cast<double>(std::min(side, size[axis])));
    begin.push_back(static_cast<double>((side - std::min(side, size[axis])) / 2));
  }
  const auto rows = [&](const std::vector<double>& numbers) {
    return torch::tensor(numbers, torch::kFloat64).repeat({view.batch(), 1});
  };
  view.resample(transforms::window_map(rows(begin), rows(window), size));
  return view.image();
}

DeepCluster::DeepCluster(const Options& options, std::shared_ptr<Backbone> backbone,
                         const MethodInput& input)
    : options_(options),
      chunk_(input.batch),
      backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  const bool plane = backbone_->dimensions() == 2;
  const auto width = backbone_->encoder_channels();
  k_ = options.k.value_or(plane ? 1000 : 20);
  if (options.pca && *options.pca > width)
    throw RecipeError("[method] 'pca' is " + std::to_string(*options.pca) +
                      ", the backbone's coarsest level has " + std::to_string(width) +
                      " channels; give at most as many principal axes");
  if (!options.pca) options_.pca = std::min<std::int64_t>(plane ? 256 : 64, width);
  classifier_ = register_module("classifier", std::make_shared<networks::Linear>(width, k_));
  labels_ = register_buffer("labels", torch::empty({0}, torch::kInt64));
  measures_ = register_buffer("measures", torch::zeros({4}, torch::kFloat64));
}

std::vector<ViewSpec> DeepCluster::views() const {
  auto chain = transforms::global_chain(options_.crop);
  chain.min_share = options_.min_share;
  chain.strength = chain.gamma_probability = chain.blur_probability = 0.0;
  return {{.name = "image", .chain = transforms::chain_of(chain)}};
}

at::Tensor DeepCluster::features(const at::Tensor& image) {
  return networks::pool_global(backbone_->encode(image));
}

at::Tensor DeepCluster::features_of_all(const EpochContext& context) {
  const torch::NoGradGuard no_grad;
  const bool training = is_training();
  eval();
  std::vector<at::Tensor> rows;
  for (std::int64_t first = 0; first < context.size; first += chunk_) {
    std::vector<std::int64_t> positions(std::min(chunk_, context.size - first));
    std::iota(positions.begin(), positions.end(), first);
    rows.push_back(features(centre_crop(context.images(positions), options_.crop)));
  }
  train(training);
  return torch::cat(rows);
}

void DeepCluster::renew_classifier(const EpochContext& context) {
  const torch::NoGradGuard no_grad;
  // Not the default generator, whose state differs where a run is resumed.
  RandomStream random(seed_of(context, "classifier"), "weights");
  const auto generator = random.generator(classifier_->weight.device());
  classifier_->weight.normal_(0, 0.01, generator);
  classifier_->bias.zero_();
  context.renewed(classifier_->weight);
  context.renewed(classifier_->bias);
}

void DeepCluster::begin_epoch(const EpochContext& context) {
  if (context.epoch % options_.every != 0) return;
  for (const auto& [name, least] : {std::pair("k", k_), std::pair("pca", *options_.pca)})
    if (least > context.size)
      throw RecipeError("[method] '" + std::string(name) + "' is " + std::to_string(least) +
                        ", the training split has " + std::to_string(context.size) +
                        " images; give at most as many");
  const torch::NoGradGuard no_grad;
  const auto rows = losses::whitened(features_of_all(context), *options_.pca);
  const auto clusters = losses::k_means(rows, k_, seed_of(context, "k-means"), options_.iterations);
  measures_.copy_(measured(clusters, labels_, k_));
  labels_.resize_(clusters.labels.sizes()).copy_(clusters.labels);
  renew_classifier(context);
}

std::vector<std::int64_t> DeepCluster::order(std::int64_t epoch, std::int64_t size,
                                             std::uint64_t seed) const {
  RandomStream random(seed, "deepcluster/order", {static_cast<std::uint64_t>(epoch)});
  return uniform_order(members(labels_, k_), size, random);
}

StepResult DeepCluster::step(Views& views, const StepInfo& info) {
  auto& view = views.at("image");
  if (labels_.numel() == 0) throw std::logic_error("images have no cluster before the first epoch");
  const auto rows = torch::tensor(view.positions(), torch::kInt64).to(labels_.device());
  const auto label = labels_.index_select(0, rows);
  const auto scores = classifier_->forward(features(view.image()));
  const auto wide = scores.to(at::promote_types(scores.scalar_type(), at::kFloat));
  const auto chance = wide.log_softmax(1).gather(1, label.unsqueeze(1)).squeeze(1);
  const auto loss = options_.sampling == "weighted"
                        ? -(chance * cluster_weights(labels_, k_).index_select(0, label)).mean()
                        : -chance.mean();
  StepResult result{loss.to(wide.scalar_type()), {}};
  if (!info.logged) return result;
  result.logs["deepcluster/accuracy"] = (wide.argmax(1) == label).to(torch::kFloat32).mean();
  for (std::int64_t i = 0; i < measures_.numel(); ++i)
    result.logs[std::string("deepcluster/") + kMeasures[i]] = measures_[i];
  return result;
}

std::map<std::string, Embedding> DeepCluster::embed(Views& views) {
  return {{"h", {features(views.at("image").image()), {}}}};
}

void DeepCluster::draw(Views& views, const std::filesystem::path& folder) {
  datasets::draw_views(views, folder);
}

}  // namespace covector::deepcluster
