#include "densecl.h"

#include "covector/datasets/cell_pictures.h"
#include "covector/losses/cell_contrast.h"
#include "covector/losses/contrast.h"
#include "covector/networks/matching.h"
#include "covector/transforms/chains.h"
#include "covector/transforms/correspondence.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::densecl {
namespace {

// Share of the matched cells whose centres lie less than a cell's diagonal apart.
at::Tensor same_place(const View& query, const View& key, std::int64_t cells,
                      const at::Tensor& match) {
  const auto distance = transforms::cell_distance(transforms::cell_grid(query.map(), cells),
                                                  transforms::cell_grid(key.map(), cells));
  return (distance.to(match.device()).gather(2, match) < 1).to(torch::kFloat32).mean();
}

// Share of the key view's cells that some cell is matched with.
at::Tensor matched_cells(const at::Tensor& match) {
  const auto none = at::zeros({match.size(0), match.size(1)}, match.options().dtype(at::kFloat));
  return none.scatter(1, match.squeeze(2), 1).mean();
}

}  // namespace

DenseCl::DenseCl(const Options& options, std::shared_ptr<Backbone> backbone,
                 const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  options_.crop = transforms::view_size("crop", options.crop, *backbone_, input.batch);
  moco_ = register_module(
      "moco", std::make_shared<networks::DenseMoco>(options_, options_.crop, backbone_));
}

std::vector<ViewSpec> DenseCl::views() const {
  const auto chain = transforms::chain_of(transforms::dense_chain(options_.crop));
  return {{"query", chain}, {"key", chain}};
}

StepResult DenseCl::step(Views& views, const StepInfo& info) {
  const auto query = moco_->query(views.at("query").image());
  const auto key = moco_->key(views.at("key").image());

  // Images: the two views of one are a pair, earlier keys the negatives.
  const auto q = losses::unit(query.image);
  const auto k = losses::unit(key.image);
  const auto& images = moco_->image_queue().keys();
  const auto image_loss = losses::info_nce(q, k, images, options_.temperature).mean();

  // Cells: c(i) = argmax_j cos(f_i, f'_j), found on the backbone's features before the heads.
  const auto match = networks::nearest_rows(query.cells, key.cells);
  const auto r = losses::unit(query.dense, 2);
  const auto t = losses::unit(key.dense, 2);
  const auto dense_loss =
      losses::cell_nce(r, t, match, moco_->dense_queue().keys(), options_.temperature).mean();

  // A view enters the dense queue as one key: the mean of its cells before they are scaled.
  moco_->hold(k, losses::unit(key.dense.mean(1)));

  const double w = info.step < options_.warmup_steps ? 0.0 : options_.dense_weight;
  const auto loss = (1 - w) * image_loss + w * dense_loss;
  if (!info.logged) return {loss, {}};
  return {loss,
          {{"densecl/image_loss", image_loss.detach()},
           {"densecl/dense_loss", dense_loss.detach()},
           {"densecl/image_accuracy", losses::info_nce_accuracy(q, k, images)},
           {"densecl/matched_cells", matched_cells(match)},
           {"densecl/same_place",
            same_place(views.at("query"), views.at("key"), moco_->cells(), match)}}};
}

void DenseCl::after_step(std::int64_t, std::int64_t) {
  moco_->advance();
}

std::map<std::string, Embedding> DenseCl::embed(Views& views) {
  return moco_->embed(views.at("query").image(), views.at("key").image());
}

void DenseCl::draw(Views& views, const std::filesystem::path& folder) {
  const auto& query = views.at("query").image();
  const auto& key = views.at("key").image();
  const auto f = moco_->query(query).cells;
  const auto match = networks::nearest_rows(f, moco_->key(key).cells);
  const auto none = at::zeros({f.size(0), f.size(1), f.size(1)}, match.options().dtype(at::kBool));
  datasets::draw_cell_pairs(query, key, none.scatter(2, match, true), folder);
}

}  // namespace covector::densecl
