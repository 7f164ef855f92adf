#include "segmentation.h"

namespace covector::segmentation {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Labels every voxel: the pretrained network and one convolution, fine-tuned or as a "
          "linear probe; DSC, HD95 and ASSD per case and class.")
      .source(
          "Y. He, S. Li, Vector Contrastive Learning for Pixel-wise Pretraining in Medical "
          "Vision, ICCV 2025; downstream code of Y. He et al., GVSL, CVPR 2023")
      .departure(
          "The paper names neither the form of its Dice loss nor the kernel of its head: both "
          "are taken from the authors' GVSL code.")
      .departure(
          "A linear probe standardises its features by default; the authors' does not "
          "(features = \"raw\").")
      .departure(
          "Windows overlap with Gaussian weights; the authors' code adds windows of the "
          "crop's size with equal weight.");
  schema.field("mode", &Options::mode)
      .doc(
          "fine_tune trains the network with the head; linear_probe freezes the backbone, run "
          "without gradient and in evaluation mode, and trains the head alone")
      .one_of({"fine_tune", "linear_probe"});
  schema.field("train", &Options::train)
      .doc("what learns when fine-tuning; the rest stays as it was pretrained")
      .one_of({"all", "decoder+head", "encoder+head", "head"});
  schema.field("features", &Options::features)
      .doc(
          "input of a linear probe: each channel with mean 0 and deviation 1 over the training "
          "images, or as the backbone gives it")
      .one_of({"standardised", "raw"});
  schema.field("head_kernel", &Options::head_kernel)
      .doc("side of the head's convolution")
      .unit("voxels")
      .one_of({1, 3});
  schema.field("dice", &Options::dice)
      .doc(
          "form of the Dice loss: gvsl a mean over samples and classes, smoothed by 1; transunet "
          "sums over the batch, smoothed by 1e-5 (as Swin-Unet)")
      .one_of({"gvsl", "transunet"});
  schema.field("dice_weight", &Options::dice_weight)
      .doc("factor on the Dice loss (paper 1, TransUNet 0.5, Swin-Unet 0.6)")
      .at_least(0.0);
  schema.field("cross_entropy", &Options::cross_entropy)
      .doc(
          "form of the cross-entropy: standard, a mean over voxels, or gvsl, a mean over voxels "
          "and "
          "classes")
      .one_of({"standard", "gvsl"});
  schema.field("cross_entropy_weight", &Options::cross_entropy_weight)
      .doc("factor on the cross-entropy (paper 1, TransUNet 0.5, Swin-Unet 0.4)")
      .at_least(0.0);
  schema.field("crop", &Options::crop)
      .doc(
          "sides of the random training crop, or one number for all; empty: whole images, which "
          "then have one size")
      .unit("voxels")
      .at_least(1);
  schema.field("augment", &Options::augment)
      .doc(
          "training views besides the crop: none, as in the GVSL code, or light, small rotations "
          "and scales, contrast and brightness; [views.train] replaces the whole chain")
      .one_of({"none", "light"});
  schema.field("window", &Options::window)
      .doc(
          "sides, or one number for all, of the window that slides over an image at inference, "
          "rounded up to the "
          "backbone's divisor; empty: the crop, or the whole image where there is none")
      .unit("voxels")
      .at_least(1);
  schema.field("overlap", &Options::overlap)
      .doc("share of a window that the next one covers again, at least")
      .between(0.0, 0.9);
  schema.field("window_batch", &Options::window_batch).doc("windows predicted at once").at_least(1);
  schema.rule([](const Options& o) {
    return o.mode == "linear_probe" && o.train != "all"
               ? "'train' belongs to mode = \"fine_tune\"; a linear probe trains the head alone"
               : "";
  });
  schema.rule([](const Options& o) {
    return o.mode == "fine_tune" && o.features == "raw"
               ? "'features' belongs to mode = \"linear_probe\"; fine-tuning always sees raw ones"
               : "";
  });
  schema.rule([](const Options& o) {
    return o.dice_weight == 0 && o.cross_entropy_weight == 0
               ? "'dice_weight' and 'cross_entropy_weight' are both 0: nothing would be learnt"
               : "";
  });
}

}  // namespace covector::segmentation
