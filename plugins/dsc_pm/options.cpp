#include "dsc_pm.h"

namespace covector::dsc_pm {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Dense Semantic Contrast: contrasts images, cells with their most similar cells of the "
          "other view, and cells of the batch that share a category found by prototypes.")
      .source(
          "X. Li et al., Dense Semantic Contrast for Self-Supervised Visual Representation "
          "Learning, ACM Multimedia 2021 (arXiv 2109.07756), variant DSC-PM")
      .family("DBCL")
      .transfers("the whole network; heads, prototypes, momentum copies and queues are dropped")
      .reconstruction("re-implemented from the abstract")
      .departure(
          "Known from the abstract: contrast of instances, of pixels with neighbours found across "
          "views, and of pixels of a batch that share a category, found by prototype mapping "
          "(PM). No code is published and the paper's text was not read.")
      .departure("Recalled, not verified: the image branch, heads and queues are those of DenseCL.")
      .departure(
          "Chosen here, stated by no source: neighbours, prototypes, semantic_cells, foreground, "
          "cells and all three weights; codes over the momentum embeddings of a batch; cells "
          "darker than 'foreground' left out of the categories, because equal shares would force "
          "the background over many prototypes.")
      .departure(
          "From SwAV (facebookresearch/swav): Sinkhorn with 0.05 and 3 iterations, score "
          "temperature 0.1, prototypes fixed for 313 steps.")
      .departure(
          "To stay at one view with a gradient, the second view's scores come from the momentum "
          "copy and train nothing; gradient_views = 2 has both directions trained.")
      .watch("dsc_pm/image_loss", "InfoNCE of whole views; ln(queue + 1) is chance")
      .watch("dsc_pm/image_accuracy",
             "share of views nearer to their partner than to every key of the queue; 1 within the "
             "first steps says that the views are too alike")
      .watch("dsc_pm/dense_loss", "InfoNCE of cells; ln(dense_queue + 1) is chance")
      .watch("dsc_pm/swap_loss",
             "cross entropy of categories predicted across views; ln(prototypes) is chance")
      .watch("dsc_pm/category_loss", "contrast of cells by category within the batch")
      .watch("dsc_pm/foreground",
             "share of cells that have a category; fewer cells than prototypes make equal shares "
             "meaningless");
  DenseMocoOptions::describe_in(schema);
  schema.field("neighbours", &Options::neighbours)
      .doc("cells of the other view that are positives of a cell")
      .at_least(1);
  schema.field("prototypes", &Options::prototypes)
      .doc("categories; 256 in 2D, 64 in 3D. At most the cells of a view of the whole batch")
      .at_least(2);
  schema.field("frozen_steps", &Options::frozen_steps)
      .doc("first steps during which prototypes stay as they started")
      .at_least(0);
  schema.field("code_temperature", &Options::code_temperature)
      .doc("divides the scores from which Sinkhorn makes codes")
      .more_than(0.0);
  schema.field("sinkhorn_iterations", &Options::sinkhorn_iterations)
      .doc("rounds in which prototypes and cells are given equal shares")
      .at_least(1);
  schema.field("score_temperature", &Options::score_temperature)
      .doc("divides the scores that predict the other view's codes")
      .more_than(0.0);
  schema.field("semantic_cells", &Options::semantic_cells)
      .doc("cells drawn from each view for the contrast of categories")
      .at_least(1);
  schema.field("foreground", &Options::foreground)
      .doc("mean intensity from which on a cell has a category");
  schema.field("image_weight", &Options::image_weight)
      .doc("factor on the contrast of images")
      .at_least(0.0);
  schema.field("dense_weight", &Options::dense_weight)
      .doc("factor on the contrast of cells")
      .at_least(0.0);
  schema.field("semantic_weight", &Options::semantic_weight)
      .doc("factor on the swapped prediction and on the contrast of categories")
      .at_least(0.0);
  schema.field("gradient_views", &Options::gradient_views)
      .doc("views whose scores train the prototypes' mapping: 2 costs a second pass with gradient")
      .one_of({1, 2});
  schema.rule([](const Options& o) -> std::string {
    return o.image_weight + o.dense_weight + o.semantic_weight > 0
               ? ""
               : "nothing is left to train: all three weights are 0";
  });
}

}  // namespace covector::dsc_pm
