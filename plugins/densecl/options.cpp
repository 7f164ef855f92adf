#include "densecl.h"

namespace covector::densecl {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "MoCo v2 plus the same contrast between cells, where a cell's positive is the cell of "
          "the other view with the most similar features.")
      .source(
          "X. Wang, R. Zhang, C. Shen, T. Kong, L. Li, Dense Contrastive Learning for "
          "Self-Supervised Visual Pre-Training, CVPR 2021 (arXiv 2011.09157); code "
          "WXinlong/DenseCL")
      .family("DBCL")
      .transfers("the whole network; heads, momentum copies and queues are dropped")
      .watch("densecl/image_loss", "InfoNCE of whole views; ln(queue + 1) is chance")
      .watch("densecl/image_accuracy",
             "share of views nearer to their partner than to every key of the queue; 1 within the "
             "first steps says that the views are too alike")
      .watch("densecl/dense_loss", "InfoNCE of cells; ln(dense_queue + 1) is chance")
      .watch("densecl/matched_cells",
             "share of the other view's cells that are someone's match; near 1 / cells^d all cells "
             "match the same one, and the dense loss falls while dense embeddings collapse")
      .watch("densecl/same_place",
             "share of matched cells whose centres lie less than a cell's diagonal apart; the "
             "match knows no geometry, so low values are this method's nature");
  DenseMocoOptions::describe_in(schema);
  schema.field("dense_weight", &Options::dense_weight)
      .doc("w in (1 - w) image loss + w dense loss")
      .between(0.0, 1.0);
  schema.field("warmup_steps", &Options::warmup_steps)
      .doc("first steps that train with w = 0")
      .at_least(0);
}

}  // namespace covector::densecl
