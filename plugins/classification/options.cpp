#include "classification.h"

namespace covector::classification {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Gives each image one of two classes or more: the pretrained encoder, the mean of its "
          "map "
          "and one linear layer, fine-tuned or as a linear probe; AUC with DeLong's interval, log "
          "loss, accuracy, balanced accuracy and, of two classes, sensitivity and specificity.")
      .source(
          "Y. He, S. Li, Vector Contrastive Learning for Pixel-wise Pretraining in Medical "
          "Vision, ICCV 2025")
      .departure(
          "The paper names no kind of pooling: it is the mean. A linear probe standardises its "
          "features by default (features = \"raw\" takes them as they are).");
  schema.field("mode", &Options::mode)
      .doc(
          "fine_tune trains the encoder with the linear layer; linear_probe freezes the encoder, "
          "run "
          "without gradient and in evaluation mode, and trains the linear layer alone")
      .one_of({"fine_tune", "linear_probe"});
  schema.field("features", &Options::features)
      .doc(
          "input of a linear probe: each channel with mean 0 and deviation 1 over the training "
          "images, or as the encoder gives it")
      .one_of({"standardised", "raw"});
  schema.field("crop", &Options::crop)
      .doc(
          "sides of the random training crop, or one number for all; empty: whole images, which "
          "then have one size. Images are always measured whole")
      .unit("voxels")
      .at_least(1);
  schema.field("augment", &Options::augment)
      .doc(
          "training views besides the crop: none, or light, small rotations and scales, contrast "
          "and brightness; [views.train] replaces the whole chain")
      .one_of({"none", "light"});
  schema.rule([](const Options& o) {
    return o.mode == "fine_tune" && o.features == "raw"
               ? "'features' belongs to mode = \"linear_probe\"; fine-tuning always sees raw ones"
               : "";
  });
}

}  // namespace covector::classification
