#include "cover.h"

namespace covector::cover {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Vector contrastive learning: regresses the displacement between two views from "
          "vectors between their features, and makes corresponding features agree.")
      .source(
          "Y. He, S. Li, Vector Contrastive Learning for Pixel-wise Pretraining in Medical "
          "Vision, ICCV 2025 (arXiv 2506.20850); code YutingHe-list/COVER at f5e6dd0")
      .family("VR")
      .transfers("the whole network; the heads of the vector embedding units are dropped")
      .watch("cover/vector_loss",
             "error of the displacement, summed over axes, mean over the overlap, voxels")
      .watch(
          "cover/end_point_error_voxels",
          "mean distance of predicted and true displacement: falls below the reach of the search "
          "when vectors are learnt")
      .watch("cover/consistency_loss", "mean cosine distance of corresponding features, 0 to 2")
      .watch("cover/largest_vector_weight",
             "largest weight of a unit's softmax; at 1 a vector rests on one neighbour, which is "
             "binary contrast again")
      .watch("cover/neighbour_distance_mean",
             "cosine distance of neighbouring features. Growing within structures is "
             "over-dispersion; near 0 everywhere, with a consistency loss near 0, is collapse")
      .watch("cover/effective_rank", "directions that the finest features spread over")
      .departure(
          "Warping. Paper: corner centres are kept (align_corners = true). Released: "
          "positions are normalised with size - 1 but read with align_corners = false.")
      .departure(
          "Mask. Paper: 0 <= p + u(p) <= size - 1 on every axis. Released: 0 itself is "
          "excluded.")
      .departure(
          "Affine map. Paper: keeps the centre (size - 1) / 2. Released: moves it to "
          "size // 2, half a voxel on even sizes.")
      .departure(
          "Appearance. Paper: each of the five changes with probability 0.9, drawn a "
          "sample, contrast about the sample's mean. Released: always all of them, drawn once "
          "a batch, contrast about the mean of the batch.")
      .departure(
          "Empty mask. Paper form: loss and gradient are zero, and the log counts it. "
          "Released: 0 / 0.")
      .departure(
          "Between levels the released code multiplies by 2; here by the ratio of the "
          "backbone's strides, which is 2 on its U-Net.");
  schema.field("form", &Options::form)
      .doc("follow the paper or the authors' released code where they differ")
      .one_of({"paper", "released"});
  schema.field("crop", &Options::crop)
      .doc("size of both views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("source_size", &Options::source_size)
      .doc(
          "side that images are resized to before both views are made; without it they are taken "
          "as the dataset yields them")
      .unit("voxels")
      .at_least(1);
  schema.field("degree", &Options::degree)
      .doc("strength of the fixed view's affine warp: factor on all ranges of transform 'affine'")
      .at_least(0.0);
  schema.field("vectors", &Options::vectors)
      .doc(
          "where vector embedding units stand: on the levels of the pyramid, aggregated (VPA); one "
          "on the finest level alone (direct); nowhere, which leaves the consistency loss (none)")
      .one_of({"pyramid", "direct", "none"});
  schema.field("radius", &Options::radius)
      .doc("a unit looks at (2 radius + 1)^d neighbours; at most 4 with vectors = \"pyramid\"")
      .unit("voxels of its level")
      .between(1, 128);
  schema.field("groups", &Options::groups)
      .doc(
          "vectors that a unit estimates and averages (MVI), one number a level, coarsest first. "
          "Empty: 4 a level and 1 on the two finest, the paper's [4, 4, 4, 1, 1] on five levels")
      .at_least(1);
  schema.field("head_dim", &Options::head_dim).doc("channels of a group").at_least(1);
  schema.field("vector_weight", &Options::vector_weight)
      .doc("factor on the vector loss")
      .at_least(0.0);
  schema.field("consistency_weight", &Options::consistency_weight)
      .doc("factor on the consistency loss")
      .at_least(0.0);
  schema.rule([](const Options& o) -> std::string {
    return o.vectors == "pyramid" && o.radius > 4
               ? "'radius' must be at most 4 with vectors = \"pyramid\""
               : "";
  });
  schema.rule([](const Options& o) -> std::string {
    const bool vectors = o.vectors != "none" && o.vector_weight > 0;
    return vectors || o.consistency_weight > 0
               ? ""
               : "nothing is left to train: both losses are off or have weight 0";
  });
  schema.rule([](const Options& o) -> std::string {
    return o.vectors == "direct" && o.groups.size() > 1
               ? "'groups' must have one number with vectors = \"direct\", which has one unit"
               : "";
  });
}

}  // namespace covector::cover
