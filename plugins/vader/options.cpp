#include "vader.h"

namespace covector::vader {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Contrast of pixels: the same physical point in two views is the positive pair, pixels "
          "of "
          "other images are the negatives.")
      .source(
          "P. O. O. Pinheiro et al., Unsupervised Learning of Dense Visual Representations "
          "(VADeR), "
          "NeurIPS 2020 (arXiv 2011.05499)")
      .family("DBCL")
      .reconstruction("constants recalled, no code known")
      .transfers("the whole backbone; head and queue are dropped")
      .watch("vader/accuracy", "pixels closer to their partner than to every key of the queue")
      .watch("vader/cosine", "of partners; at 1 together with a low accuracy is collapse")
      .watch("vader/pixels", "pairs a sample; fewer than asked for where views hardly overlap")
      .watch("vader/without_overlap", "samples that add nothing, as their views do not overlap")
      .departure(
          "No code of the authors is known, and of the paper only the abstract was at hand: 32 "
          "pixels, temperature 0.07, momentum 0.999, 65536 keys, width 128 and the loss in one "
          "direction are recalled, and equal MoCo's defaults. Head, foreground, anchor and all of "
          "3D are this project's.")
      .departure(
          "Network. Paper: a feature pyramid on a ResNet-50 that starts from MoCo. Here: the "
          "backbone's own decoder, from its first weights.")
      .departure("Both views contain one common voxel of the foreground, as vox2vec does in 3D.")
      .departure(
          "A sample whose views do not overlap is left out of the mean; its keys, pixels on the "
          "second view's rim, still enter the queue.");
  schema.field("crop", &Options::crop)
      .doc("size of both views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("pixels", &Options::pixels)
      .doc("pairs drawn of each sample; 32 in 2D, 256 in 3D")
      .at_least(1);
  schema.field("foreground", &Options::foreground)
      .doc("pairs are drawn above this grey level where the views share enough such voxels")
      .unit("grey level");
  schema.field("anchor", &Options::anchor)
      .doc("whether both views contain one common voxel of the foreground");
  schema.field("embedding", &Options::embedding).doc("width of the embeddings").at_least(1);
  schema.field("temperature", &Options::temperature).doc("divides the similarities").more_than(0.0);
  schema.field("momentum", &Options::momentum)
      .doc("of the momentum copy, which embeds the keys")
      .between(0.0, 1.0);
  schema.field("queue", &Options::queue)
      .doc("earlier keys kept as negatives, one a pixel")
      .at_least(1);
}

}  // namespace covector::vader
