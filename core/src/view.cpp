#include "covector/core/view.h"

#include "covector/core/check.h"
#include "covector/core/error.h"
#include "covector/core/samples.h"

#include <torch/types.h>

#include <cmath>
#include <functional>

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

using Images = std::vector<at::Tensor>;  // [C, *size], one a sample
/// Writes the values of voxels that were cut out of the n-th image.
using Write = std::function<void(const at::Tensor& window, std::size_t n, const at::Tensor& out)>;

void copy(const at::Tensor& window, std::size_t, const at::Tensor& out) {
  out.copy_(window);
}

// Crops that stay inside their input, mirror images and quarter turns need no interpolation, and
// of each image only the window is read.
std::optional<at::Tensor> rearranged(const Images& images, const SpatialMap& map,
                                     const at::TensorOptions& options, const Write& write = copy) {
  std::vector<std::vector<Move>> moves;
  for (std::size_t n = 0; n < images.size(); ++n) {
    auto here = moves_of(map.matrix()[static_cast<std::int64_t>(n)], map.size(),
                         images[n].sizes().slice(1));
    if (!here) return std::nullopt;
    moves.push_back(std::move(*here));
  }
  std::vector<std::int64_t> shape{map.batch(), images.front().size(0)};
  shape.insert(shape.end(), map.size().begin(), map.size().end());
  auto out = torch::empty(shape, options);
  for (std::size_t n = 0; n < images.size(); ++n) {
    auto window = images[n];
    std::vector<std::int64_t> mirrored;
    std::vector<std::int64_t> order(static_cast<std::size_t>(window.dim()), 0);
    for (std::size_t axis = 0; axis < moves[n].size(); ++axis) {
      const auto& move = moves[n][axis];
      const auto here = static_cast<std::int64_t>(axis) + 1;
      window = window.narrow(here, move.begin, map.size()[move.output_axis]);
      if (move.mirrored) mirrored.push_back(here);
      order[move.output_axis + 1] = here;
    }
    auto place = out[static_cast<std::int64_t>(n)];
    if (mirrored.empty()) {
      write(window.permute(order), n, place);
    } else {
      const auto values = torch::empty(window.sizes(), options);
      write(window, n, values);
      place.copy_(values.flip(mirrored).permute(order));
    }
  }
  return out;
}

at::Tensor read_through(const at::Tensor& pixels, const SpatialMap& map,
                        Interpolation interpolation, GridConvention convention) {
  if (convention == GridConvention::paper)
    if (auto moved = rearranged(pixels.unbind(), map, pixels.options())) return *moved;
  return sample_at(pixels, map.coordinates(pixels.options()), interpolation, convention);
}

// Of integer maps, as int64.
at::Tensor nearest_label(const Images& labels, const SpatialMap& map, at::Device device) {
  const auto integers = at::TensorOptions(torch::kInt64);
  if (auto moved = rearranged(labels, map, integers.device(labels.front().device())))
    return moved->to(device);
  // float64 holds every label value of an int64 map that a mask file can store.
  const auto values = torch::stack(labels).to(device, torch::kFloat64);
  return read_through(values, map, Interpolation::nearest, GridConvention::paper)
      .round()
      .to(torch::kInt64);
}

std::vector<std::int64_t> mask_shape(const View& view) {
  std::vector<std::int64_t> shape{view.batch(), 1};
  shape.insert(shape.end(), view.size().begin(), view.size().end());
  return shape;
}

}  // namespace

View::View(Batch source)
    : source_(std::move(source)),
      samples_{{}, source_.image.device()},
      image_(source_.image),
      map_(SpatialMap::identity(source_.image.size(0), source_.image.sizes().slice(2).vec())) {}

View::View(Samples source)
    : source_{{}, {}, {}, source.positions},
      samples_(std::move(source)),
      map_(SpatialMap::identity(static_cast<std::int64_t>(samples_.list.size()),
                                samples_.list.at(0).image.sizes().slice(1).vec())) {
  check_alike(samples_.list);
  std::vector<std::int64_t> classes;
  for (const auto& sample : samples_.list) {
    source_.ids.push_back(sample.id);
    if (sample.image_class) classes.push_back(*sample.image_class);
  }
  if (!classes.empty())
    source_.image_class = torch::tensor(classes, torch::kInt64).to(samples_.device);
}

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

at::Tensor View::read_pixels() const {
  Images images;
  for (const auto& sample : samples_.list) images.push_back(sample.image);
  const auto options = samples_.list[0].steps > 0 ? at::TensorOptions(torch::kFloat)
                                                  : samples_.list[0].image.options();
  const auto write = [this](const at::Tensor& window, std::size_t n, const at::Tensor& out) {
    write_values(window, samples_.list[n].steps, out);
  };
  const auto whole =
      SpatialMap::identity(map_.batch(), samples_.list[0].image.sizes().slice(1).vec());
  if (auto moved = rearranged(images, pending_.value_or(whole), options, write))
    return moved->to(samples_.device);
  return read_through(rearranged(images, whole, options, write)->to(samples_.device), *pending_,
                      Interpolation::linear, GridConvention::paper);
}

at::Tensor View::read_label() const {
  Images labels;
  for (const auto& sample : samples_.list) labels.push_back(*sample.label);
  return nearest_label(labels, map_, samples_.device);
}

const at::Tensor& View::image() {
  if (!image_.defined())
    image_ = read_pixels();
  else if (pending_)
    image_ = read_through(image_, *pending_, Interpolation::linear, GridConvention::paper);
  pending_.reset();
  return image_;
}

void View::set_image(at::Tensor image) {
  check_shape("image", image, this->image().sizes());
  image_ = std::move(image);
}

void View::mark(const at::Tensor& where) {
  check_shape("marked voxels", where, mask_shape(*this));
  const auto here = where.to(samples_.device);
  marked_ = marked_.defined() ? marked_.logical_or(here) : here;
}

at::Tensor View::marked() const {
  if (marked_.defined()) return marked_;
  return torch::zeros(mask_shape(*this), at::TensorOptions(torch::kBool).device(samples_.device));
}

std::optional<at::Tensor> View::label() {
  if (source_.label) return nearest_label(source_.label->unbind(), map_, samples_.device);
  if (samples_.list.empty() || !samples_.list[0].label) return std::nullopt;
  return read_label();
}

}  // namespace covector
