#include "setsim.h"

namespace covector::setsim {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "DenseCL with sets: a cell is contrasted with all cells of the other view that stand "
          "out and resemble it, and with those at the same place.")
      .source(
          "Z. Wang et al., Exploring Set Similarity for Dense Self-supervised Representation "
          "Learning, CVPR 2022 (arXiv 2107.08712); code DerrickWang005/SetSim.pytorch")
      .family("DBCL")
      .transfers("the whole network; heads, momentum copies and queues are dropped")
      .departure(
          "Geometry. The code's threshold is 0.7 unless its script sets it to 0.5; here 0.5. The "
          "paper's abstract puts nearest neighbours first, the script leaves them off; here too.")
      .departure(
          "Distances are taken in voxels, not in shares of the image's sides, so that images with "
          "unequal sides keep their proportions.")
      .watch("setsim/image_loss", "InfoNCE of whole views; ln(queue + 1) is chance")
      .watch("setsim/image_accuracy",
             "share of views nearer to their partner than to every key of the queue; 1 within the "
             "first steps says that the views are too alike")
      .watch("setsim/set_loss", "contrast of cells with their sets")
      .watch("setsim/cells_with_positive",
             "share of cells that take part at all; near 0 says that views do not overlap and "
             "nothing stands out")
      .watch("setsim/positives_per_cell",
             "mean size of a cell's set; near the number of cells says that attention selects "
             "nothing");
  DenseMocoOptions::describe_in(schema);
  schema.field("dense_weight", &Options::dense_weight)
      .doc("w in (1 - w) image loss + w set loss")
      .between(0.0, 1.0);
  schema.field("attention", &Options::attention)
      .doc("a cell stands out when its attention, scaled to 0 .. 1 in its view, is at least this")
      .between(0.0, 1.0);
  schema.field("similarity", &Options::similarity)
      .doc("cosine of their features that cells which stand out need to be positives")
      .between(-1.0, 1.0);
  schema.field("geometry", &Options::geometry)
      .doc("cells whose centres are nearer than this are positives whatever they show; 0: none")
      .unit("diagonals of the larger cell")
      .at_least(0.0);
  schema.field("nearest", &Options::nearest)
      .doc("adds the most similar cell to the set of every cell that has one");
}

}  // namespace covector::setsim
