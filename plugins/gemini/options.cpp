#include "gemini.h"

namespace covector::gemini {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Registers images of two patients both ways by one deformer; images and features have to "
          "agree after warping. Restoring a damaged image is a second task with a step of its own.")
      .source(
          "Y. He et al., Homeomorphism Prior for False Positive and Negative Problem in Medical "
          "Image Dense Contrastive Representation Learning (GEMINI), TPAMI 2025 (arXiv "
          "2502.05282); "
          "code YutingHe-list/GEMINI at 4e8e7cc, GEMINI_SS_MIP")
      .family("VR")
      .transfers("the whole network; deformer and restoration head are dropped")
      .watch("gemini/similarity_loss",
             "1 - mean local correlation after warping, both directions, 0 to 2. Has to fall below "
             "gemini/similarity_before, which is the same without warping")
      .watch("gemini/feature_distance",
             "1 - mean cosine of features after warping, both directions. 0 while the similarity "
             "does not improve: the features are all alike")
      .watch("gemini/flow_voxels", "mean length of the displacement from A to B")
      .watch("gemini/mask_mean", "share of the voxels that are read inside the image")
      .watch("gemini/restoration_loss", "mean squared error of the restored image, unweighted")
      .departure(
          "Released: the script calls the network with an argument it does not have and stops; its "
          "guard against NaN never holds. Here as the sister script of the same release calls it, "
          "and the loop stops at a loss that is not finite.")
      .departure(
          "Start. Released: all convolutions normal with variance 2 / fan_in, the last of the "
          "deformer too, so that first displacements are large (start = \"released\"). Here that "
          "one starts near 0.")
      .departure(
          "Warping. Released: positions are normalised with size - 1 but read with align_corners = "
          "false, which costs even sizes the last row of the mask (convention = \"released\"). "
          "Here corner centres are kept.")
      .departure("Random views. Released: whole images. Here crops, both images at one place.")
      .departure(
          "Pairs. Released, chest X-rays: of one projection and sex. Here any two images of the "
          "dataset.");
  schema.field("crop", &Options::crop)
      .doc("size of all views: one number for every axis, or one an axis; multiples of 4")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("window", &Options::window)
      .doc("odd side of the boxes in which images are correlated")
      .unit("voxels")
      .at_least(1)
      .require([](auto window) { return window % 2 == 1; }, "odd");
  schema.field("smoothness_weight", &Options::smoothness_weight)
      .doc("factor on the roughness of the two displacements")
      .at_least(0.0);
  schema.field("semantic_weight", &Options::semantic_weight)
      .doc("factor on the distance of features after warping")
      .at_least(0.0);
  schema.field("positive_weight", &Options::positive_weight)
      .doc("within it, factor on the term that moves features; that which moves the flow has 1")
      .at_least(0.0);
  schema.field("similarity_weight", &Options::similarity_weight)
      .doc("factor on 1 - mean local correlation")
      .at_least(0.0);
  schema.field("restoration_weight", &Options::restoration_weight)
      .doc("factor on the mean squared error of the restored image, in its own step")
      .at_least(0.0);
  schema.field("start", &Options::start)
      .doc(
          "first weights of the deformer's last convolution: \"identity\" moves nothing yet, "
          "\"released\" is as large as in the released code")
      .one_of({"identity", "released"});
  schema.field("convention", &Options::convention)
      .doc(
          "where a displacement reads the image: corner centres stay in place (paper), or as the "
          "released code samples, which moves a little even where the displacement is 0")
      .one_of({"paper", "released"});
}

}  // namespace covector::gemini
