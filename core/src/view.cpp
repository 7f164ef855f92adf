#include "covector/core/view.h"

#include "covector/core/check.h"

#include <torch/types.h>

namespace covector {
namespace {

// A crop that stays inside its input, the same one for all samples, needs no interpolation at all.
std::optional<at::Tensor> sliced(const at::Tensor& pixels, const SpatialMap& map) {
  if (!map.is_shift()) return std::nullopt;
  const auto d = map.dimensions();
  const auto offset = map.matrix().select(2, d);
  auto out = std::vector<at::Tensor>();
  for (std::int64_t n = 0; n < map.batch(); ++n) {
    auto crop = pixels.slice(0, n, n + 1);
    for (std::int64_t axis = 0; axis < d; ++axis) {
      const auto begin = offset[n][axis].item<std::int64_t>();
      if (begin < 0 || begin + map.size()[axis] > pixels.size(axis + 2)) return std::nullopt;
      crop = crop.slice(axis + 2, begin, begin + map.size()[axis]);
    }
    out.push_back(crop);
  }
  return torch::cat(out, 0);
}

at::Tensor read_through(const at::Tensor& pixels, const SpatialMap& map,
                        Interpolation interpolation, GridConvention convention) {
  if (convention == GridConvention::paper)
    if (auto crop = sliced(pixels, map)) return *crop;
  return sample_at(pixels, map.coordinates(pixels.options()), interpolation, convention);
}

}  // namespace

View::View(Batch source)
    : source_(std::move(source)),
      image_(source_.image),
      map_(SpatialMap::identity(source_.image.size(0), source_.image.sizes().slice(2).vec())) {}

void View::resample(const SpatialMap& step, GridConvention convention) {
  if (convention == GridConvention::released) {
    image_ = read_through(image(), step, Interpolation::linear, convention);
  } else {
    pending_ = pending_ ? step.then_read(*pending_) : step;
  }
  map_ = step.then_read(map_);
  if (marked_.defined())
    marked_ = read_through(marked_.to(torch::kFloat32), step, Interpolation::nearest,
                           GridConvention::paper) > 0.5;
}

const at::Tensor& View::image() {
  if (pending_) {
    image_ = read_through(image_, *pending_, Interpolation::linear, GridConvention::paper);
    pending_.reset();
  }
  return image_;
}

void View::set_image(at::Tensor image) {
  check_shape("image", image, this->image().sizes());
  image_ = std::move(image);
}

void View::mark(const at::Tensor& where) {
  auto shape = std::vector<std::int64_t>{batch(), 1};
  shape.insert(shape.end(), size().begin(), size().end());
  check_shape("marked voxels", where, shape);
  const auto here = where.to(source_.image.device());
  marked_ = marked_.defined() ? marked_.logical_or(here) : here;
}

at::Tensor View::marked() const {
  if (marked_.defined()) return marked_;
  auto shape = std::vector<std::int64_t>{batch(), 1};
  shape.insert(shape.end(), size().begin(), size().end());
  return torch::zeros(shape, source_.image.options().dtype(torch::kBool));
}

std::optional<at::Tensor> View::label() {
  if (!source_.label) return std::nullopt;
  // float64 holds every label value of an int64 map that a mask file can store.
  return read_through(source_.label->to(torch::kFloat64), map_, Interpolation::nearest,
                      GridConvention::paper)
      .round()
      .to(torch::kInt64);
}

}  // namespace covector
