#include "covector/core/view.h"

#include "covector/core/check.h"
#include "covector/core/error.h"

#include <torch/types.h>

#include <cmath>

namespace covector {
namespace {

// Where an axis of the input goes when whole voxels are only moved.
struct Move {
  std::int64_t output_axis;
  std::int64_t begin;
  bool mirrored;
};

// The moves of one sample, one an input axis, if each row of its matrix has one entry, 1 or -1, of
// a column of its own, whole voxels are added, and all that is read lies inside the input.
std::optional<std::vector<Move>> moves_of(const at::Tensor& matrix,
                                          const std::vector<std::int64_t>& size,
                                          at::IntArrayRef input) {
  const auto entry = matrix.accessor<double, 2>();
  const auto d = matrix.size(0);
  std::vector<Move> moves;
  std::vector<bool> taken(d, false);
  for (std::int64_t row = 0; row < d; ++row) {
    std::optional<Move> move;
    for (std::int64_t column = 0; column < d; ++column) {
      const auto value = entry[row][column];
      if (value == 0) continue;
      if (move || taken[column] || std::abs(value) != 1) return std::nullopt;
      move = Move{column, 0, value < 0};
      taken[column] = true;
    }
    const auto shift = entry[row][d];
    if (!move || shift != std::round(shift)) return std::nullopt;
    const auto length = size[move->output_axis];
    move->begin = static_cast<std::int64_t>(shift) - (move->mirrored ? length - 1 : 0);
    if (move->begin < 0 || move->begin + length > input[row]) return std::nullopt;
    moves.push_back(*move);
  }
  return moves;
}

// Crops that stay inside their input, mirror images and quarter turns need no interpolation.
std::optional<at::Tensor> rearranged(const at::Tensor& pixels, const SpatialMap& map) {
  std::vector<at::Tensor> out;
  for (std::int64_t n = 0; n < map.batch(); ++n) {
    const auto moves = moves_of(map.matrix()[n], map.size(), pixels.sizes().slice(2));
    if (!moves) return std::nullopt;
    auto sample = pixels.slice(0, n, n + 1);
    std::vector<std::int64_t> mirrored;
    std::vector<std::int64_t> order = {0, 1};
    order.resize(pixels.dim());
    for (std::size_t axis = 0; axis < moves->size(); ++axis) {
      const auto& move = moves->at(axis);
      const auto here = static_cast<std::int64_t>(axis) + 2;
      sample = sample.narrow(here, move.begin, map.size()[move.output_axis]);
      if (move.mirrored) mirrored.push_back(here);
      order[move.output_axis + 2] = here;
    }
    if (!mirrored.empty()) sample = sample.flip(mirrored);
    out.push_back(sample.permute(order));
  }
  return torch::cat(out, 0);
}

at::Tensor read_through(const at::Tensor& pixels, const SpatialMap& map,
                        Interpolation interpolation, GridConvention convention) {
  if (convention == GridConvention::paper)
    if (auto moved = rearranged(pixels, map)) return *moved;
  return sample_at(pixels, map.coordinates(pixels.options()), interpolation, convention);
}

std::vector<std::int64_t> mask_shape(const View& view) {
  std::vector<std::int64_t> shape{view.batch(), 1};
  shape.insert(shape.end(), view.size().begin(), view.size().end());
  return shape;
}

}  // namespace

View::View(Batch source)
    : source_(std::move(source)),
      image_(source_.image),
      map_(SpatialMap::identity(source_.image.size(0), source_.image.sizes().slice(2).vec())) {}

const SpatialMap& View::map() const {
  if (deformed_)
    throw RecipeError(
        "[views] a view was deformed (transform 'elastic'), so that no affine map tells where its "
        "voxels lie in the source, which the method asks for; take the deformation out of the "
        "view's chain");
  return map_;
}

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

void View::deform(const at::Tensor& displacement) {
  auto shape = mask_shape(*this);
  shape[1] = dimensions();
  check_shape("displacement", displacement, shape);
  const auto position = voxel_grid(size(), displacement.options()) + displacement;
  const auto nearest = [&](const at::Tensor& values, at::ScalarType exact) {
    return sample_at(values.to(exact), position.to(exact), Interpolation::nearest);
  };
  if (auto here = label())
    source_.label = nearest(*here, torch::kFloat64).round().to(torch::kInt64);
  if (marked_.defined()) marked_ = nearest(marked_, torch::kFloat32) > 0.5;
  const auto& pixels = image();
  image_ = sample_at(pixels, position.to(pixels.options()));
  map_ = SpatialMap::identity(batch(), size());
  deformed_ = true;
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
  check_shape("marked voxels", where, mask_shape(*this));
  const auto here = where.to(source_.image.device());
  marked_ = marked_.defined() ? marked_.logical_or(here) : here;
}

at::Tensor View::marked() const {
  if (marked_.defined()) return marked_;
  return torch::zeros(mask_shape(*this), source_.image.options().dtype(torch::kBool));
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
