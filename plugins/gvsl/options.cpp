#include "gvsl.h"

namespace covector::gvsl {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Geometric visual similarity learning: registers images of two patients, so that what is "
          "the same in both gets the same features; restoring a damaged image warms it up.")
      .source(
          "Y. He et al., Geometric Visual Similarity Learning in 3D Medical Image Self-Supervised "
          "Pre-training, CVPR 2023 (arXiv 2303.00874); code YutingHe-list/GVSL at 77c89ba")
      .family("VR")
      .transfers("the whole network; affine head, deformer and restoration head are dropped")
      .watch("gvsl/similarity_loss",
             "1 - mean local correlation of the warped B with A, 0 to 1. Has to fall below "
             "gvsl/similarity_before, which is the same without warping")
      .watch("gvsl/restoration_loss", "mean squared error of the restored A")
      .watch("gvsl/flow_voxels",
             "mean length of the displacement. A few voxels; far more than the smoothness loss "
             "would allow is a fold")
      .watch("gvsl/affine_change",
             "largest entry of the affine matrix off the identity; stays 0 while the affine head "
             "does not learn")
      .departure(
          "Affine head. Paper and here: it learns. Released: the matrix is rebuilt from numbers, "
          "so that no gradient reaches the head (detach_affine); it also takes one sample alone.")
      .departure(
          "Start. Paper and released: PyTorch's, every pair is moved at random by the untrained "
          "head and by a fraction of a voxel (start = \"released\"). Here at rest: the first "
          "matrix "
          "is the identity, the first displacement 0.")
      .departure(
          "Affine map. Released: normalised coordinates, in which a translation of t moves by t / "
          "2, and turns shear volumes with unequal sides. Here voxels about the centre. Rows are "
          "tensor axes; the released code's first row acts on the last axis.")
      .departure(
          "Order of the affine map. Paper, eq. 11: R S Sh T. Released and here: Sh S R, then t. "
          "The displacement is read at the voxel as in the released code, not at the position of "
          "the affine map (paper, eq. 12).")
      .departure(
          "Direction. Paper: A is brought onto B, and correlations are summed. Released and here: "
          "B onto A, 1 - mean.")
      .departure(
          "2D is not in the paper: one turn, two scales, translations and shears; the damage of "
          "GEMINI's 2D code; the elastic field is weaker (amplitude up to 80) so that it moves as "
          "far as in 3D.")
      .departure(
          "Random views. Released: the affine field of even sides is half a voxel off its centre. "
          "Here it is not. The views are cropped, both images at one place.");
  schema.field("crop", &Options::crop)
      .doc("size of all views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("window", &Options::window)
      .doc("odd side of the boxes in which images are correlated")
      .unit("voxels")
      .at_least(1)
      .require([](auto window) { return window % 2 == 1; }, "odd");
  schema.field("similarity_weight", &Options::similarity_weight)
      .doc("factor on 1 - mean local correlation")
      .at_least(0.0);
  schema.field("restoration_weight", &Options::restoration_weight)
      .doc("factor on the mean squared error of the restored image")
      .at_least(0.0);
  schema.field("smoothness_weight", &Options::smoothness_weight)
      .doc("factor on the roughness of the displacement")
      .at_least(0.0);
  schema.field("detach_affine", &Options::detach_affine)
      .doc("no gradient into the affine matrix, as in the released code");
  schema.field("start", &Options::start)
      .doc(
          "first weights of what predicts the matrix and the displacement: \"identity\" moves "
          "nothing yet, \"released\" is PyTorch's as in the released code")
      .one_of({"identity", "released"});
  schema.field("convention", &Options::convention)
      .doc(
          "where a displacement reads the image: corner centres stay in place (paper), or as the "
          "released code samples, which moves a little even where the displacement is 0")
      .one_of({"paper", "released"});
}

}  // namespace covector::gvsl
