#include "models_genesis.h"

namespace covector::models_genesis {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Restores an image whose voxels were locally shuffled, whose grey levels were remapped, "
          "and of which boxes, or all but a few windows, were overwritten.")
      .source(
          "Z. Zhou et al., Models Genesis, Medical Image Analysis 67, 2021; code of "
          "MrGiovanni/ModelsGenesis (12f7feb). House form: code of GVSL (77c89ba), GEMINI "
          "(4e8e7cc) "
          "and COVER (f5e6dd0)")
      .family("GL")
      .transfers("the whole network; the output layer is dropped")
      .watch("models_genesis/identity_ratio",
             "mean squared error over that of the damaged image itself, at least 1e-4; must fall "
             "well below 1")
      .watch("models_genesis/mse_painted",
             "error of voxels that were overwritten; 0 in a batch without any")
      .watch("models_genesis/mse_changed", "error of voxels that were shuffled or remapped alone")
      .watch("models_genesis/mse_kept", "error of voxels that were left as they were")
      .watch("models_genesis/painted", "share of voxels that were overwritten")
      .departure(
          "Network. Original: a 3D U-Net with batch normalisation. Here: the backbone, one 1x1 "
          "convolution and a sigmoid.")
      .departure(
          "Mirror images. The published code draws among the channel and two of the three spatial "
          "axes; here among all spatial axes, with the same chance.")
      .departure(
          "Shuffled windows. The published code takes 10 000 whatever the size; here as many as "
          "write each voxel 1.87 times, as those do at its 64 x 64 x 32: 725 at 384 x 384, 14 274 "
          "at "
          "128^3. windows = 10000 is the published number.")
      .departure(
          "Painting. The paper's text has one random value a region; its code, and this, has "
          "noise.")
      .departure(
          "House form, as the comparison's authors have it in their code: one permutation for all "
          "windows of fixed size, increasing intensity maps alone, and always small boxes, which "
          "cover 4 %; never out-painting.");
  schema.field("crop", &Options::crop)
      .doc("size of the views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("form", &Options::form)
      .doc("kinds and rates of damage: of Models Genesis, or of GVSL, GEMINI and COVER")
      .one_of({"official", "house"});
  schema.field("windows", &Options::windows)
      .doc(
          "how many windows are shuffled; without it 1.87 writes a voxel (official), 1000 in 2D "
          "and "
          "5000 in 3D (house)")
      .at_least(0);
}

}  // namespace covector::models_genesis
