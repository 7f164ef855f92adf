#include "scr.h"

#include "jsrt.h"
#include "scr_files.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <array>
#include <utility>

namespace covector::scr {
namespace {

namespace fs = std::filesystem;

// In the order they are drawn, with the number of their class.
constexpr std::array<std::pair<const char*, int>, 3> kStructures{
    {{"lung", 2}, {"heart", 1}, {"clavicle", 3}}};

bool shows(const fs::path& mask, const std::string& structure) {
  return mask.parent_path().filename().string().ends_with(structure);
}

}  // namespace

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "SCR: heart, lungs and clavicles on the 247 chest radiographs of JSRT. root is a folder "
          "that holds, at any depth, the images as JSRT gives them (All247images, or "
          "Nodule154images and NonNodule93images: 2048 x 2048 words without a header) and SCR's "
          "masks (fold1 and fold2: masks/heart/*.gif and so on, 1024 x 1024); or image/ beside "
          "label/{heart,lung,clavicle}, as in the code of GEMINI, whose folders train and test are "
          "then the parts. Images are turned so that bright means bright. prepare.size is [512, "
          "512]. Splits: 100, 47 and 100 images; SCR's two folds are not used as parts.")
      .source(
          "J. Shiraishi et al., Development of a digital image database for chest radiographs, AJR "
          "2000 (images: the site of JSRT, on registration); B. van Ginneken et al., Segmentation "
          "of anatomical structures in chest radiographs, Medical Image Analysis 2006 (masks)")
      .departure(
          "Overlaps. In SCR a pixel may belong to several structures, and GEMINI's code keeps a "
          "channel for each. Here it belongs to one: clavicles lie over the heart, the heart over "
          "the lungs.")
      .departure(
          "Which images are in which part is not published; they are drawn at the paper's counts.");
  datasets::describe_root(schema);
  datasets::describe_files(schema);
}

Scr::Scr(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)),
      values_(std::vector<datasets::LabelGroup>{{"structure", {1, 255}, {}}}) {}

datasets::Listing Scr::list() {
  return find_scr(files().root);
}

datasets::Image Scr::load_image(const fs::path& file) const {
  return is_jsrt(file) ? read_jsrt(file)
                       : datasets::as_dimensions(datasets::read_image(file), 2, file);
}

// [1, H, W] boolean. By colours: which index of a GIF is white is up to its writer.
at::Tensor Scr::structure(const fs::path& mask) const {
  return values_.classes_of(datasets::read_image(mask).pixels, mask).amax(0, true) > 0;
}

at::Tensor Scr::drawn(const std::vector<fs::path>& masks) const {
  at::Tensor label;
  for (const auto& [name, number] : kStructures)
    for (const auto& mask : masks) {
      if (!shows(mask, name)) continue;
      const auto inside = structure(mask);
      if (!label.defined()) label = torch::zeros(inside.sizes(), torch::kUInt8);
      if (inside.sizes() != label.sizes())
        throw DataError(mask.string() +
                        ": has another size than the other masks of its image; fetch it again");
      label.masked_fill_(inside, number);
    }
  return label;
}

datasets::Stored Scr::load(const datasets::Case& item) const {
  datasets::Stored stored{load_image(item.image)};
  datasets::Image mask{drawn(item.masks), {}, {}};
  const auto size = stored.image.size();
  if (size[0] == 2 * mask.size()[0] && size[1] == 2 * mask.size()[1])
    mask.pixels = mask.pixels.repeat_interleave(2, 1).repeat_interleave(2, 2);
  datasets::check_mask_fits(mask, item.masks.front(), stored.image, item.image);
  stored.label = mask.pixels;
  return stored;
}

}  // namespace covector::scr
