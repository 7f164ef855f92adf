#pragma once

#include "covector/core/method.h"
#include "covector/networks/heads.h"
#include "covector/networks/queue.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace covector::networks {

/// What a recipe can set of two-branch momentum contrast, whatever the method makes of it.
struct DenseMocoOptions {
  std::vector<std::int64_t> crop{384};
  std::optional<std::int64_t> cells;
  std::int64_t hidden = 512;
  std::int64_t embedding = 128;
  double temperature = 0.2;
  double momentum = 0.999;
  std::optional<std::int64_t> queue;
  std::optional<std::int64_t> dense_queue;

  /// Adds these fields, and where all of its methods depart from their originals, to the schema of
  /// an options struct that is derived from this one.
  template <class Derived>
  static void describe_in(Schema<Derived>& schema);
};

/// Momentum contrast with an image branch and a dense branch, as DenseCL, SetSim and DSC share it.
///
/// The image branch embeds the mean of the backbone's coarsest level; the dense branch embeds the
/// finest level, averaged over cells^d cells. Each has a head (linear, ReLU, linear) and a queue of
/// earlier keys. A momentum copy of backbone and heads embeds the keys.
///
/// The backbone is the method's own sub-module; registered here are "image_head" and "dense_head",
/// the copies "key_backbone", "key_image_head" and "key_dense_head", and the queues "image_queue"
/// and "dense_queue".
/// Source: X. Wang et al., DenseCL, CVPR 2021; code WXinlong/DenseCL. Departure: its two branches
/// look at the 7 x 7 map of a ResNet; here the dense branch looks at the finest level of a pyramid,
/// averaged over cells before its head as that code's `num_grid` does, so that the decoder learns.
class COVECTOR_API DenseMoco final : public torch::nn::Module {
 public:
  /// @param options  where they leave it open: 12 cells in 2D and 6 in 3D; queues of 65536 image
  ///                 keys and 16384 dense keys in 2D, 4096 of each in 3D
  /// @throws         RecipeError when the views have fewer voxels along an axis than cells
  DenseMoco(const DenseMocoOptions& options, const std::vector<std::int64_t>& view_size,
            std::shared_ptr<Backbone> backbone);
  ~DenseMoco() override;

  /// What the network says about N views, n = cells^d cells each, the last axis fastest.
  struct Features {
    at::Tensor cells;   // [N, n, C] finest level of the backbone, before the head
    at::Tensor pooled;  // [N, C] mean of the coarsest level, before the head
    at::Tensor image;   // [N, embedding], not scaled to unit length
    at::Tensor dense;   // [N, n, embedding], not scaled to unit length
  };
  Features query(const at::Tensor& image) const;
  /// By the momentum copy, without gradient.
  Features key(const at::Tensor& image) const;

  std::int64_t cells() const { return cells_; }  // along an axis
  const Queue& image_queue() const { return *image_queue_; }
  const Queue& dense_queue() const { return *dense_queue_; }
  /// Puts keys aside for the queues: unit rows [N, embedding] of each kind.
  void hold(const at::Tensor& image_keys, const at::Tensor& dense_keys);
  /// After the optimiser's step: stores what was put aside and moves the momentum copy.
  void advance();

  /// For Method::embed: "h" are pooled features, "z" dense embeddings, each beside that of the cell
  /// of the second view with the most similar features, "z_global" image embeddings.
  std::map<std::string, Embedding> embed(const at::Tensor& first, const at::Tensor& second) const;

 private:
  double momentum_;
  std::int64_t cells_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Head> image_head_;
  std::shared_ptr<Head> dense_head_;
  std::shared_ptr<Backbone> key_backbone_;
  std::shared_ptr<Head> key_image_head_;
  std::shared_ptr<Head> key_dense_head_;
  std::shared_ptr<Queue> image_queue_;
  std::shared_ptr<Queue> dense_queue_;
};

template <class Derived>
void DenseMocoOptions::describe_in(Schema<Derived>& schema) {
  schema
      .departure(
          "Feature maps. Original: both branches on the last 7 x 7 map of a ResNet. Here the image "
          "branch looks at the mean of the coarsest level and the dense branch at the finest "
          "level averaged over cells^d cells, so that the decoder is trained.")
      .departure("Heads. Original: as wide inside as the ResNet's features, 2048. Here 512.")
      .departure(
          "Queues. Original: 65536 keys of each kind. Here 16384 dense keys in 2D, and 4096 of "
          "each in 3D, where 65536 would take 32768 steps to fill.")
      .departure(
          "Shuffled batch normalisation has no counterpart: the heads have no normalisation, the "
          "default backbone normalises groups of channels.");
  const auto field = [&](const std::string& name, auto member) {
    using Value = std::remove_reference_t<decltype(std::declval<DenseMocoOptions&>().*member)>;
    return schema.field(name, static_cast<Value Derived::*>(member));
  };
  field("crop", &DenseMocoOptions::crop)
      .doc("size of both views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  field("cells", &DenseMocoOptions::cells)
      .doc("cells along each axis that the finest level is averaged to; 12 in 2D, 6 in 3D")
      .at_least(1);
  field("hidden", &DenseMocoOptions::hidden).doc("hidden width of both heads").at_least(1);
  field("embedding", &DenseMocoOptions::embedding).doc("width of both embeddings").at_least(1);
  field("temperature", &DenseMocoOptions::temperature)
      .doc("divides the similarities in every contrast with a queue")
      .more_than(0.0);
  field("momentum", &DenseMocoOptions::momentum)
      .doc(
          "of the momentum copy, which embeds the keys. Much lower, all views can move together in "
          "one direction that the queue has not seen yet: accuracy rises while embeddings collapse")
      .between(0.0, 1.0);
  field("queue", &DenseMocoOptions::queue)
      .doc("earlier image keys kept as negatives; 65536 in 2D, 4096 in 3D")
      .at_least(1);
  field("dense_queue", &DenseMocoOptions::dense_queue)
      .doc("earlier dense keys kept as negatives, one a view; 16384 in 2D, 4096 in 3D")
      .at_least(1);
}

}  // namespace covector::networks
