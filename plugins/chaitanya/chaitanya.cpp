#include "chaitanya.h"

#include "contrast.h"
#include "regions.h"

#include "covector/losses/contrast.h"
#include "covector/networks/frozen.h"
#include "covector/networks/pooling.h"
#include "covector/transforms/chains.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

namespace covector::chaitanya {
namespace {

using losses::unit;
using networks::Head;
using transforms::part;

OptionArray array_of(const std::vector<std::int64_t>& numbers) {
  return {numbers.begin(), numbers.end()};
}

/// While it lives the encoder is in evaluation mode and takes no gradient: no graph of it is kept,
/// its running statistics stay, and it is ready for the other stage again afterwards.
class FrozenEncoder {
 public:
  explicit FrozenEncoder(Backbone& backbone)
      : backbone_(backbone), was_training_(backbone.is_training()) {
    if (was_training_)
      networks::train_parts(backbone, [&](const auto& name) { return !backbone.in_encoder(name); });
    for (const auto& item : backbone.named_parameters())
      if (item.value().requires_grad() && backbone.in_encoder(item.key()))
        frozen_.push_back(item.value().set_requires_grad(false));
  }
  ~FrozenEncoder() {
    for (auto& parameter : frozen_) parameter.set_requires_grad(true);
    backbone_.train(was_training_);
  }
  FrozenEncoder(const FrozenEncoder&) = delete;
  FrozenEncoder& operator=(const FrozenEncoder&) = delete;

 private:
  Backbone& backbone_;
  bool was_training_;
  std::vector<at::Tensor> frozen_;
};

/// The coarsest level of stride 4 or less that the decoder makes.
std::int64_t level_of_stride_4(const Backbone& backbone) {
  const auto strides = backbone.strides();
  const auto found =
      std::find_if(strides.begin() + 1, strides.end(), [](auto stride) { return stride <= 4; });
  return found - strides.begin();
}

}  // namespace

Chaitanya::Chaitanya(const Options& options, std::shared_ptr<Backbone> backbone,
                     const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  const auto d = backbone_->dimensions();
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  if (options_.crop_share.empty())
    options_.crop_share = d == 2 ? std::vector<double>{0.52, 0.52} : std::vector<double>{0.5, 0.9};
  level_ = options_.level.value_or(level_of_stride_4(*backbone_));
  const auto levels = static_cast<std::int64_t>(backbone_->channels().size());
  if (level_ >= levels)
    throw RecipeError("[method] 'level' is " + std::to_string(level_) +
                      ", the backbone has levels 0 to " + std::to_string(levels - 1));
  if (options_.positives == "partitions" && d == 2)
    throw RecipeError(
        "[method] 'positives' = \"partitions\" needs volumes, whose crops lie somewhere along the "
        "first axis; the images have 2 axes. Take \"views\"");
  auto map = options_.crop;
  const auto stride = backbone_->strides().at(level_);
  for (auto& side : map) side /= stride;
  check_local_map(map);

  const auto width = options_.embedding;
  auto features = backbone_->encoder_channels();
  if (options_.flatten) features = flattened(input);
  global_head_ = register_module(
      "global_head",
      std::make_shared<Head>(features, std::vector<networks::HeadLayer>{
                                           {.width = options_.hidden, .bias = false, .relu = true},
                                           {.width = width, .bias = false}}));
  auto rows = input.batch;
  for (const auto side : map) rows *= side;
  const auto channels = backbone_->channels().at(level_);
  local_head_ = register_module(
      "local_head", std::make_shared<Head>(
                        channels,
                        std::vector<networks::HeadLayer>{{.width = channels,
                                                          .bias = false,
                                                          .norm = networks::HeadLayer::Norm::affine,
                                                          .relu = true},
                                                         {.width = channels, .bias = false}},
                        networks::head_norm(options_.head_norm, rows)));
  const auto voxels = d == 2 ? 9 : 27;
  region_head_ = register_module(
      "region_head", std::make_shared<networks::Linear>(voxels * channels, width, false));

  if (options_.queue == 0 && input.batch * options_.crops == 1)
    throw RecipeError(
        "[method] one sample of one crop a batch has no negatives; take more samples or 'crops', "
        "or "
        "keep earlier embeddings in a 'queue'");
  if (options_.queue > 0) {
    const auto beside = options_.positives == "partitions" ? 1 : 0;
    queue_ =
        register_module("queue", std::make_shared<networks::Queue>(options_.queue, width + beside));
  }
}

void Chaitanya::check_local_map(const std::vector<std::int64_t>& size) const {
  if (*std::min_element(size.begin(), size.end()) >= kLeastSide) return;
  throw RecipeError("[method] level " + std::to_string(level_) + " of the backbone is " +
                    to_toml(array_of(size)) + " for views of the size of 'crop'; regions need " +
                    std::to_string(kLeastSide) +
                    " voxels along every axis. Take larger views or a finer 'level'");
}

std::int64_t Chaitanya::flattened(const MethodInput& input) const {
  const torch::NoGradGuard no_grad;
  auto shape = options_.crop;
  shape.insert(shape.begin(), {1, input.input.channels});
  return backbone_->encode(torch::zeros(shape, backbone_->parameters().front().options())).numel();
}

std::vector<ViewSpec> Chaitanya::views() const {
  auto views = global_views();
  for (auto& view : local_views()) views.push_back(std::move(view));
  return views;
}

std::vector<ViewSpec> Chaitanya::global_views() const {
  const auto& share = options_.crop_share;
  auto chain = grey_levels();
  chain.insert(chain.begin(),
               part("random_resized_crop", {{"size", array_of(options_.crop)},
                                            {"scale", OptionArray{share.at(0), share.at(1)}},
                                            {"scale_of", "side"},
                                            {"ratio", OptionArray{1.0, 1.0}}}));
  std::vector<ViewSpec> views;
  for (const auto* name : {"global_first", "global_second"})
    views.push_back({.name = name, .chain = chain, .copies = options_.crops, .phase = "global"});
  if (options_.positives == "partitions")
    views.push_back({.name = "volume", .chain = {}, .phase = "global"});
  return views;
}

std::vector<ViewSpec> Chaitanya::local_views() const {
  // One window a sample, the same in both views: they differ in grey levels alone.
  auto chain = grey_levels();
  chain.insert(chain.begin(), part("crop", {{"size", array_of(options_.crop)}, {"shared", true}}));
  std::vector<ViewSpec> views;
  for (const auto* name : {"local_first", "local_second"})
    views.push_back({.name = name, .chain = chain, .phase = "local"});
  return views;
}

Parts Chaitanya::grey_levels() const {
  const auto s = options_.strength;
  return {part("brightness", {{"half_width", s}}),
          part("contrast", {{"factor", OptionArray{1 - s, 1 + s}}}),
          part("clip", {{"range", OptionArray{0.0, 1.5}}})};
}

std::vector<std::string> Chaitanya::phases(std::int64_t step, std::int64_t total) const {
  const auto turn = std::llround(options_.global_share * static_cast<double>(total));
  return {step < turn ? "global" : "local"};
}

std::vector<at::Tensor> Chaitanya::parameters_of(const std::string& phase) const {
  std::vector<at::Tensor> trained;
  const auto add = [&](const torch::nn::Module& module) {
    for (const auto& parameter : module.parameters()) trained.push_back(parameter);
  };
  const bool global = phase == "global";
  for (const auto& item : backbone_->named_parameters()) {
    const bool encodes = backbone_->in_encoder(item.key());
    const auto level = static_cast<std::int64_t>(backbone_->level_of(item.key()));
    if (global ? encodes : !encodes && level <= level_) trained.push_back(item.value());
  }
  if (global) {
    add(*global_head_);
  } else {
    add(*local_head_);
    add(*region_head_);
  }
  return trained;
}

StepResult Chaitanya::step(Views& views, const StepInfo& info) {
  return info.phase == "global" ? global_step(views, info.logged) : local_step(views);
}

// ---- stage 1: whole views -----------------------------------------------------------------------

at::Tensor Chaitanya::embed_global(const at::Tensor& map) const {
  return unit(
      global_head_->forward(options_.flatten ? map.flatten(1) : networks::pool_global(map)));
}

StepResult Chaitanya::global_step(Views& views, bool logged) {
  const auto first = embed_global(backbone_->encode(views.at("global_first").image()));
  const auto second = embed_global(backbone_->encode(views.at("global_second").image()));
  Logs logs;
  if (logged) logs["chaitanya/global_accuracy"] = losses::nt_xent_accuracy(first, second);
  if (options_.positives == "partitions") return {partition_loss(views, first, second), logs};
  const auto more = queue_ ? queue_->keys() : at::Tensor();
  if (queue_) queue_->hold(torch::cat({first, second}));
  return {losses::nt_xent(first, second, options_.temperature, more).mean(), logs};
}

at::Tensor Chaitanya::partition_of(const View& crop, const View& volume) const {
  auto middle = torch::tensor(crop.size(), torch::kFloat64).sub(1).div(2);
  const auto row = crop.map().matrix().select(1, 0);  // position along the first axis
  const auto d = crop.dimensions();
  const auto z = torch::mv(row.narrow(1, 0, d), middle) + row.select(1, d);
  const auto length = static_cast<double>(volume.size().front());
  return ((z + 0.5) * static_cast<double>(options_.partitions) / length).floor();
}

at::Tensor Chaitanya::partition_loss(const Views& views, const at::Tensor& first,
                                     const at::Tensor& second) {
  const auto& volume = views.at("volume");
  const auto rows = torch::cat({first, second});
  const auto partition = torch::cat({partition_of(views.at("global_first"), volume),
                                     partition_of(views.at("global_second"), volume)})
                             .to(rows.options(), true);
  at::Tensor more;
  at::Tensor more_partition;
  if (queue_) {
    // What the queue starts with has no whole number there: a negative of every partition.
    more = unit(queue_->keys().narrow(1, 0, options_.embedding));
    more_partition = queue_->keys().select(1, options_.embedding);
    queue_->hold(torch::cat({rows, partition.unsqueeze(1)}, 1));
  }
  const auto positive = partition_pairs(partition);
  const auto loss = partition_contrast(rows, partition, options_.temperature, more, more_partition);
  return loss.masked_fill(~positive, 0).sum() / positive.sum().clamp_min(1);
}

// ---- stage 2: regions ---------------------------------------------------------------------------

at::Tensor Chaitanya::embed_regions(const at::Tensor& image, const at::Tensor& corners) const {
  const auto count = static_cast<std::size_t>(level_) + 1;
  const auto map = local_head_->forward(backbone_->levels(image, count).back());
  const auto rows = cut(map, corners);
  return unit(region_head_->forward(rows.flatten(0, 1))).view({rows.size(0), rows.size(1), -1});
}

Regions Chaitanya::regions(const Views& views) const {
  const auto& first = views.at("local_first").map();
  const auto& second = views.at("local_second").map();
  if (first.size() != second.size() || !torch::equal(first.matrix(), second.matrix()))
    throw RecipeError(
        "[views] 'local_first' and 'local_second' show different places; method 'chaitanya' "
        "compares the same voxels of both, so what moves them must be shared");
  auto size = first.size();
  for (auto& side : size) side /= backbone_->strides().at(level_);
  check_local_map(size);
  return regions_of(size);
}

StepResult Chaitanya::local_step(Views& views) {
  const FrozenEncoder frozen(*backbone_);
  const auto places = regions(views);
  const auto first = embed_regions(views.at("local_first").image(), places.corners);
  const auto second = embed_regions(views.at("local_second").image(), places.corners);
  const auto loss = region_contrast(first, second, places.negatives.to(first.device(), true),
                                    options_.temperature);
  // The loss exceeds log 2 wherever the negatives together outweigh the partner.
  return {loss.mean(),
          {{"chaitanya/local_cosine", (first * second).detach().sum(2).mean()},
           {"chaitanya/local_won", (loss.detach() < std::log(2.0)).to(torch::kFloat32).mean()}}};
}

void Chaitanya::after_step(std::int64_t, std::int64_t) {
  if (queue_) queue_->store();
}

Transfer Chaitanya::transfers() const {
  return static_cast<Transfer>(level_ + 1);
}

std::map<std::string, Embedding> Chaitanya::embed(Views& views) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, Embedding> seen;
  if (views.count("global_first") > 0) {
    const auto first = backbone_->encode(views.at("global_first").image());
    const auto second = backbone_->encode(views.at("global_second").image());
    seen["h"] = {networks::pool_global(first), networks::pool_global(second)};
    seen["z"] = {embed_global(first), embed_global(second)};
  }
  if (views.count("local_first") > 0) {
    const auto corners = regions(views).corners;
    const auto z = [&](const std::string& view) {
      return embed_regions(views.at(view).image(), corners).flatten(0, 1);
    };
    seen["z_local"] = {z("local_first"), z("local_second")};
  }
  return seen;
}

}  // namespace covector::chaitanya
