#include "covector/datasets/image.h"
#include "covector/datasets/picture.h"
#include "segmentation.h"

#include <torch/types.h>

namespace covector::segmentation {
namespace {

/// The slice of a volume that holds most labelled voxels, the middle one where none does.
std::int64_t fullest_slice(const at::Tensor& label) {
  const auto filled = (label > 0).flatten(2).sum(2).squeeze(0);
  const auto best = filled.argmax().item<std::int64_t>();
  return filled[best].item<std::int64_t>() > 0 ? best : label.size(1) / 2;
}

/// Gray, or red, green and blue; of any other number of channels the first.
at::Tensor base_picture(const at::Tensor& image) {
  return datasets::grey_picture(image.size(0) == 3 ? image : image.slice(0, 0, 1));
}

}  // namespace

void Segmentation::draw(const Batch& batch, const std::filesystem::path& folder) {
  auto image = batch.image.squeeze(0).cpu();
  auto predicted = segment(batch.image).squeeze(0).cpu();
  auto truth = batch.label ? batch.label->squeeze(0).cpu() : torch::zeros_like(predicted);
  if (dimensions_ == 3) {
    const auto slice = fullest_slice(batch.label ? truth : predicted);
    image = image.select(1, slice);
    predicted = predicted.select(1, slice);
    truth = truth.select(1, slice);
  }
  const auto base = base_picture(image);
  std::vector<at::Tensor> row{base};
  if (batch.label) row.push_back(datasets::overlay_labels(base, truth));
  row.push_back(datasets::overlay_labels(base, predicted));
  datasets::write_png(datasets::side_by_side(row), folder / (batch.ids.at(0) + ".png"));
}

}  // namespace covector::segmentation
