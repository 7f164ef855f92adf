#include "pixpro.h"

namespace covector::pixpro {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Pixel-to-propagation consistency: cells of two views that show the same place agree, "
          "after one branch has smoothed its cells by their similarity. No negatives.")
      .source(
          "Z. Xie et al., Propagate Yourself: Exploring Pixel-Level Consistency for Unsupervised "
          "Visual Representation Learning, CVPR 2021; code zdaxie/PixPro")
      .family("DBCL")
      .transfers("the whole backbone; projector and propagation are dropped")
      .watch("pixpro/cosine", "of near cells, 1 where they agree; at 1 from the start is collapse")
      .watch("pixpro/near_cells", "cells of the other view near a cell, mean over all of them")
      .watch("pixpro/without_near_cells", "samples that add nothing, as their views do not overlap")
      .watch("pixpro/momentum", "of the copy; rises to 1")
      .departure(
          "Map. Paper: the coarsest level of a ResNet, 7 x 7. Here: the finest level of the "
          "backbone, averaged over cells, so that the decoder learns too.")
      .departure(
          "Distances between cells are in voxels, in the paper in shares of the image, which "
          "are the same on square images.")
      .departure("Loss. Paper: the sum of two negative cosines. Released, and here: twice that.")
      .departure("Hidden width 2048 for the 32 channels of the finest level; released: 4096.")
      .departure("Views take at least 0.2 of the image's area; released: 0.08.")
      .departure(
          "The momentum copy follows after a step, with the momentum of the next, which is the "
          "same "
          "as the authors' before a step.");
  schema.field("crop", &Options::crop)
      .doc("size of both views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("cells", &Options::cells)
      .doc("cells along each axis that the finest level is averaged to; 24 in 2D, 8 in 3D")
      .at_least(1);
  schema.field("threshold", &Options::threshold)
      .doc("cells are near below this distance of their centres")
      .unit("diagonals of the larger cell")
      .more_than(0.0);
  schema.field("power", &Options::power)
      .doc("of the similarity with which cells are propagated")
      .more_than(0.0);
  schema.field("clamp", &Options::clamp)
      .doc("similarities below this count as this")
      .between(0.0, 1.0);
  schema.field("value_layers", &Options::value_layers)
      .doc("linear layers on what is propagated; between two there are normalisation and ReLU")
      .between(0, 2);
  schema.field("hidden", &Options::hidden).doc("hidden width of the heads").at_least(1);
  schema.field("embedding", &Options::embedding).doc("width of projections").at_least(1);
  schema.field("head_norm", &Options::head_norm)
      .doc("normalisation in the heads; auto: batch from 8 cells a batch on, layer below")
      .one_of({"auto", "batch", "layer", "none"});
  schema.field("momentum", &Options::momentum)
      .doc("of the momentum copy at the start; it rises to 1 along a cosine")
      .between(0.0, 1.0);
  schema.field("image_weight", &Options::image_weight)
      .doc("factor on the loss between whole views, which has heads of its own; 0: none")
      .at_least(0.0);
}

}  // namespace covector::pixpro
