#include "denoising.h"

namespace covector::denoising {

void Options::describe(Schema<Options>& schema) {
  schema.summary("Regresses the clean image from a noisy copy of it.")
      .source(
          "P. Vincent et al., Stacked Denoising Autoencoders, JMLR 11, 2010, as one network "
          "trained "
          "end to end")
      .family("GL")
      .transfers("the whole network; the output layer is dropped")
      .watch("denoising/identity_ratio",
             "mean squared error over that of the noisy image itself. It must fall well below 1; "
             "stuck at 1 the output layer has learnt to copy its input")
      .watch("denoising/psnr_db",
             "peak signal-to-noise ratio of the restored image; psnr_noisy_db is that of the noisy "
             "one")
      .watch("denoising/bottleneck_gradient",
             "norm of the loss's gradient at the coarsest map over that at the finest: near 0 the "
             "skip connections solve the task and deep layers learn little")
      .departure(
          "Network. Original: autoencoders trained layer by layer, sigmoid units, tied weights. "
          "Here: the backbone with its skip connections and one 1x1 convolution, linear.")
      .departure(
          "Noise. The comparison of COVER (ICCV 2025) does not state its level. Here Gaussian with "
          "a "
          "standard deviation drawn for each image, far above the 0 .. 0.02 of COVER's own "
          "augmentation, which is too easy.")
      .departure(
          "The noisy image is not clipped: at grey level 0, most of a skull-stripped volume, that "
          "would halve the noise.");
  schema.field("crop", &Options::crop)
      .doc("size of the views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("noise", &Options::noise)
      .doc(
          "gaussian: normal noise on every voxel; masking: some voxels become 0; salt_and_pepper: "
          "some become 0 or 1")
      .one_of({"gaussian", "masking", "salt_and_pepper"});
  schema.field("std", &Options::std)
      .doc("standard deviation of Gaussian noise, drawn uniformly for each image")
      .unit("grey level")
      .at_least(0.0)
      .require([](const auto& std) { return std.size() == 2 && std[0] <= std[1]; },
               "two numbers, the smaller first");
  schema.field("fraction", &Options::fraction)
      .doc("share of voxels that masking and salt_and_pepper overwrite; 0.25 and 0.1")
      .between(0.0, 1.0);
  schema.field("loss", &Options::loss)
      .doc("mse: mean squared error; cross_entropy: of the output's sigmoid, for images in 0 .. 1")
      .one_of({"mse", "cross_entropy"});
  schema.field("emphasis", &Options::emphasis)
      .doc("weights of the voxels that were overwritten and of the others")
      .at_least(0.0)
      .require([](const auto& e) { return e.size() == 2; }, "two numbers");
  schema.rule([](const Options& o) -> std::string {
    return o.noise == "gaussian" && o.emphasis[0] != o.emphasis[1]
               ? "'emphasis' needs noise = \"masking\" or \"salt_and_pepper\": Gaussian noise "
                 "changes every voxel"
               : "";
  });
  schema.rule([](const Options& o) -> std::string {
    return o.noise == "gaussian" && o.fraction
               ? "'fraction' needs noise = \"masking\" or \"salt_and_pepper\""
               : "";
  });
  schema.rule([](const Options& o) -> std::string {
    return o.noise != "gaussian" && o.std != Options{}.std ? "'std' needs noise = \"gaussian\""
                                                           : "";
  });
}

}  // namespace covector::denoising
