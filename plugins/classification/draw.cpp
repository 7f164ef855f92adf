#include "classification.h"
#include "covector/datasets/image.h"
#include "covector/datasets/picture.h"

#include <torch/types.h>

#include <algorithm>

namespace covector::classification {
namespace {

/// A frame around the picture in the colour of a class.
at::Tensor framed(const at::Tensor& picture, std::int64_t number, std::int64_t width) {
  const auto colour = datasets::label_colour(number + 1);
  auto out = torch::tensor({colour[0], colour[1], colour[2]}, torch::kUInt8)
                 .view({3, 1, 1})
                 .repeat({1, picture.size(1) + 2 * width, picture.size(2) + 2 * width});
  out.slice(1, width, width + picture.size(1)).slice(2, width, width + picture.size(2)) = picture;
  return out;
}

}  // namespace

/// The image, or the middle slice of a volume, in two frames: the inner one is what it was called,
/// the outer one the truth.
void Classification::draw(const Batch& batch, const std::filesystem::path& folder) {
  const auto image = datasets::middle_slice(batch.image.squeeze(0).cpu());
  const auto called = log_scores(batch.image)[0].argmax().item<std::int64_t>();
  auto picture = datasets::grey_picture(image.size(0) == 3 ? image : image.slice(0, 0, 1));
  const auto width = std::max<std::int64_t>(2, picture.size(1) / 32);
  picture = framed(picture, called, width);
  if (batch.image_class)
    picture = framed(picture, class_of(batch.image_class, batch.ids.at(0)), width);
  datasets::write_png(picture, folder / (batch.ids.at(0) + ".png"));
}

}  // namespace covector::classification
