#include "setsim.h"

#include "covector/datasets/cell_pictures.h"
#include "covector/losses/cell_contrast.h"
#include "covector/losses/contrast.h"
#include "covector/transforms/chains.h"
#include "covector/transforms/correspondence.h"
#include "positives.h"

#include <torch/types.h>

namespace covector::setsim {

SetSim::SetSim(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  moco_ = register_module(
      "moco", std::make_shared<networks::DenseMoco>(options_, options_.crop, backbone_));
}

std::vector<ViewSpec> SetSim::views() const {
  const auto chain = transforms::chain_of(transforms::dense_chain(options_.crop));
  return {{"query", chain}, {"key", chain}};
}

at::Tensor SetSim::positives_of(const Views& views, const networks::DenseMoco::Features& query,
                                const networks::DenseMoco::Features& key) const {
  const auto grid = [&](const char* name) {
    return transforms::cell_grid(views.at(name).map(), moco_->cells());
  };
  const auto distance = transforms::cell_distance(grid("query"), grid("key"));
  return positives(query.cells, key.cells, distance.to(query.cells.device()),
                   {options_.attention, options_.similarity, options_.geometry, options_.nearest});
}

StepResult SetSim::step(Views& views, const StepInfo& info) {
  const auto query = moco_->query(views.at("query").image());
  const auto key = moco_->key(views.at("key").image());

  // Images: the two views of one are a pair, earlier keys the negatives.
  const auto q = losses::unit(query.image);
  const auto k = losses::unit(key.image);
  const auto& images = moco_->image_queue().keys();
  const auto image_loss = losses::info_nce(q, k, images, options_.temperature).mean();

  // Cells: every cell of the query view against its set.
  const auto positive = positives_of(views, query, key);
  const auto r = losses::unit(query.dense, 2);
  const auto t = losses::unit(key.dense, 2);
  const auto set_loss =
      losses::set_nce(r, t, positive, moco_->dense_queue().keys(), options_.temperature);

  // A view enters the dense queue as one key: the mean of its cells before they are scaled.
  moco_->hold(k, losses::unit(key.dense.mean(1)));

  const double w = options_.dense_weight;
  const auto loss = (1 - w) * image_loss + w * set_loss;
  if (!info.logged) return {loss, {}};
  const auto size_of_set = positive.sum(2).to(torch::kFloat32);
  return {loss,
          {{"setsim/image_loss", image_loss.detach()},
           {"setsim/set_loss", set_loss.detach()},
           {"setsim/image_accuracy", losses::info_nce_accuracy(q, k, images)},
           {"setsim/cells_with_positive", (size_of_set > 0).to(torch::kFloat32).mean()},
           {"setsim/positives_per_cell", size_of_set.mean()}}};
}

void SetSim::after_step(std::int64_t, std::int64_t) {
  moco_->advance();
}

std::map<std::string, Embedding> SetSim::embed(Views& views) {
  return moco_->embed(views.at("query").image(), views.at("key").image());
}

void SetSim::draw(Views& views, const std::filesystem::path& folder) {
  const auto& query = views.at("query").image();
  const auto& key = views.at("key").image();
  const auto positive = positives_of(views, moco_->query(query), moco_->key(key));
  datasets::draw_cell_pairs(query, key, positive, folder);
}

}  // namespace covector::setsim
