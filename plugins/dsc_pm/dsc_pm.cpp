#include "dsc_pm.h"

#include "covector/datasets/cell_pictures.h"
#include "covector/losses/cell_contrast.h"
#include "covector/losses/contrast.h"
#include "covector/networks/matching.h"
#include "covector/transforms/chains.h"

#include <torch/types.h>

#include <string>

namespace covector::dsc_pm {
namespace {

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

}  // namespace

DscPm::DscPm(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  const auto d = backbone_->dimensions();
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  moco_ = register_module(
      "moco", std::make_shared<networks::DenseMoco>(options_, options_.crop, backbone_));
  const auto prototypes = options.prototypes.value_or(d == 2 ? 256 : 64);
  const auto cells_of_view = power(moco_->cells(), d);
  if (input.batch * cells_of_view < prototypes)
    throw RecipeError("[method] 'prototypes' is " + std::to_string(prototypes) + ", but " +
                      std::to_string(input.batch) + " views have only " +
                      std::to_string(input.batch * cells_of_view) +
                      " cells to share out among them; set fewer prototypes, or more 'cells' or "
                      "samples a batch");
  if (options.neighbours > cells_of_view)
    throw RecipeError("[method] 'neighbours' is " + std::to_string(options.neighbours) +
                      ", but a view has only " + std::to_string(cells_of_view) + " cells");
  prototypes_ =
      register_module("prototypes", std::make_shared<Prototypes>(prototypes, options.embedding));
}

std::vector<ViewSpec> DscPm::views() const {
  const auto chain = transforms::chain_of(transforms::dense_chain(options_.crop));
  return {{"query", chain}, {"key", chain}};
}

StepResult DscPm::step(Views& views, const StepInfo& info) {
  const auto& first = views.at("query").image();
  const auto& second = views.at("key").image();
  const auto query = moco_->query(first);
  const auto key = moco_->key(second);

  // Instances: the two views of an image are a pair, earlier keys the negatives.
  const auto q = losses::unit(query.image);
  const auto k = losses::unit(key.image);
  const auto& images = moco_->image_queue().keys();
  const auto image_loss = losses::info_nce(q, k, images, options_.temperature).mean();

  // Pixels: each cell with its most similar cells, found on the backbone's features.
  const auto neighbours = networks::nearest_rows(query.cells, key.cells, options_.neighbours);
  const auto r = losses::unit(query.dense, 2);
  const auto t = losses::unit(key.dense, 2);
  const auto dense_loss =
      losses::cell_nce(r, t, neighbours, moco_->dense_queue().keys(), options_.temperature).mean();

  // Categories: those of the cells that show more than background.
  const auto counted = [&](const at::Tensor& image) {
    return foreground(image, moco_->cells(), options_.foreground);
  };
  const Cells cells{.online_first = r,
                    .momentum_first = losses::unit(moco_->key(first).dense, 2),
                    .momentum_second = t,
                    .online_second = options_.gradient_views == 2
                                         ? losses::unit(moco_->query(second).dense, 2)
                                         : at::Tensor(),
                    .counted_first = counted(first),
                    .counted_second = counted(second)};
  const auto categories = semantic(cells, neighbours.select(2, 0), info.step);

  // A view enters the dense queue as one key: the mean of its cells before they are scaled.
  moco_->hold(k, losses::unit(key.dense.mean(1)));

  const auto loss = options_.image_weight * image_loss + options_.dense_weight * dense_loss +
                    options_.semantic_weight * (categories.swap_loss + categories.category_loss);
  if (!info.logged) return {loss, {}};
  return {loss,
          {{"dsc_pm/image_loss", image_loss.detach()},
           {"dsc_pm/dense_loss", dense_loss.detach()},
           {"dsc_pm/swap_loss", categories.swap_loss.detach()},
           {"dsc_pm/category_loss", categories.category_loss.detach()},
           {"dsc_pm/image_accuracy", losses::info_nce_accuracy(q, k, images)},
           {"dsc_pm/foreground", cells.counted_first.to(torch::kFloat32).mean()}}};
}

DscPm::Semantic DscPm::semantic(const Cells& cells, const at::Tensor& match,
                                std::int64_t step) const {
  const bool frozen = step < options_.frozen_steps;
  const auto scores = [&](const at::Tensor& rows) { return prototypes_->scores(rows, frozen); };
  const auto codes = [&](const at::Tensor& momentum, const at::Tensor& counted) {
    return codes_of(scores(momentum), counted, options_.code_temperature,
                    options_.sinkhorn_iterations);
  };
  const auto first_codes = codes(cells.momentum_first, cells.counted_first);
  const auto second_codes = codes(cells.momentum_second, cells.counted_second);

  // The code of one view is predicted from the other view's scores. Where one view has a gradient,
  // the second view's scores are those of the momentum copy: that direction trains nothing.
  const auto second_scores = cells.online_second.defined() ? scores(cells.online_second)
                                                           : scores(cells.momentum_second).detach();
  const auto counted = cells.counted_first & cells.counted_second.gather(1, match);
  const auto predicted = [&](const at::Tensor& from_codes, const at::Tensor& by_scores) {
    return predicted_code_loss(from_codes, by_scores, counted, options_.score_temperature);
  };
  const auto swap_loss =
      (predicted(first_codes, networks::take_rows(second_scores, match)) +
       predicted(networks::take_rows(second_codes, match), scores(cells.online_first))) /
      2;

  // Cells of a few places an image; a negative label takes no part.
  const auto drawn = [&](const at::Tensor& rows, const at::Tensor& view_codes,
                         const at::Tensor& view_counted) {
    const auto places = draw_cells(view_counted, options_.semantic_cells);
    const auto labels = at::where(view_counted, view_codes.argmax(2), -1).gather(1, places);
    return std::pair(networks::take_rows(rows, places).flatten(0, 1), labels.flatten());
  };
  const auto [anchors, anchor_labels] = drawn(cells.online_first, first_codes, cells.counted_first);
  const auto [keys, key_labels] = drawn(cells.momentum_second, second_codes, cells.counted_second);
  return {swap_loss,
          losses::label_contrast(anchors, anchor_labels, keys, key_labels, options_.temperature)};
}

void DscPm::after_step(std::int64_t, std::int64_t) {
  prototypes_->renormalise();
  moco_->advance();
}

std::map<std::string, Embedding> DscPm::embed(Views& views) {
  return moco_->embed(views.at("query").image(), views.at("key").image());
}

void DscPm::draw(Views& views, const std::filesystem::path& folder) {
  const auto& query = views.at("query").image();
  const auto& key = views.at("key").image();
  const auto f = moco_->query(query).cells;
  const auto neighbours = networks::nearest_rows(f, moco_->key(key).cells, options_.neighbours);
  const auto none =
      at::zeros({f.size(0), f.size(1), f.size(1)}, neighbours.options().dtype(at::kBool));
  datasets::draw_cell_pairs(query, key, none.scatter(2, neighbours, true), folder);
}

}  // namespace covector::dsc_pm
