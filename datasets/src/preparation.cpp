#include "covector/datasets/preparation.h"

#include "covector/core/error.h"
#include "covector/datasets/geometry.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace covector::datasets {
namespace {

// One axis of the new grid: new voxel p lies at old voxel scale * p + offset.
struct Axis {
  std::int64_t size = 0;
  double scale = 1;
  double offset = 0;
  bool identity(std::int64_t old_size) const {
    return size == old_size && scale == 1 && offset == 0;
  }
};

// Voxel edges meet: the first edge lies at -1/2 on both grids.
Axis covering(std::int64_t size, double scale) {
  return {size, scale, 0.5 * scale - 0.5};
}

// Rows of weights of a triangle as wide as the larger of the two voxels, [size, old_size].
at::Tensor weights(const Axis& axis, std::int64_t old_size) {
  const auto width = std::max(1.0, axis.scale);
  const auto position =
      axis.scale * torch::arange(axis.size, torch::kFloat64).unsqueeze(1) + axis.offset;
  const auto voxel = torch::arange(old_size, torch::kFloat64).unsqueeze(0);
  const auto triangle = (1 - (position - voxel).abs() / width).clamp_min(0);
  return (triangle / triangle.sum(1, true).clamp_min(1e-12)).to(torch::kFloat);
}

at::Tensor interpolated(at::Tensor image, const std::vector<Axis>& axes) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto dim = static_cast<std::int64_t>(i) + 1;
    if (axes[i].identity(image.size(dim))) continue;
    const auto w = weights(axes[i], image.size(dim));
    image = torch::matmul(image.movedim(dim, -1), w.t()).movedim(-1, dim);
  }
  return image.contiguous();
}

at::Tensor nearest(at::Tensor label, const std::vector<Axis>& axes) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto dim = static_cast<std::int64_t>(i) + 1;
    if (axes[i].identity(label.size(dim))) continue;
    const auto position =
        axes[i].scale * torch::arange(axes[i].size, torch::kFloat64) + axes[i].offset;
    const auto index = (position + 0.5).floor().to(torch::kInt64).clamp(0, label.size(dim) - 1);
    label = label.index_select(dim, index);
  }
  return label;
}

// Crops or pads by whole voxels.
at::Tensor cut(const at::Tensor& image, const std::vector<Axis>& axes) {
  std::vector<std::int64_t> padding;  // last axis first, as constant_pad_nd wants it
  for (std::size_t i = axes.size(); i-- > 0;) {
    const auto before = -static_cast<std::int64_t>(axes[i].offset);
    padding.push_back(before);
    padding.push_back(axes[i].size - image.size(static_cast<std::int64_t>(i) + 1) - before);
  }
  return at::constant_pad_nd(image, padding, 0).contiguous();
}

std::vector<Axis> to_spacing(const Preparation& preparation, const std::vector<std::int64_t>& size,
                             const Geometry& geometry, const std::filesystem::path& path) {
  const auto& wanted = preparation.spacing_mm;
  const auto& present = geometry.spacing_mm;
  if (present.empty())
    throw DataError(path.string() +
                    ": names no spacing, so prepare.spacing_mm cannot be met; leave it out");
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto scale = wanted[i] / present[i];
    const auto length = static_cast<double>(size[i]) / scale;
    axes.push_back(covering(std::max<std::int64_t>(1, std::llround(length)), scale));
  }
  return axes;
}

std::vector<Axis> to_size(const Preparation& preparation,
                          const std::vector<std::int64_t>& present) {
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < present.size(); ++i) {
    const auto wanted = preparation.size[i];
    if (preparation.fit == "stretch") {
      axes.push_back(
          covering(wanted, static_cast<double>(present[i]) / static_cast<double>(wanted)));
      continue;
    }
    const auto difference = present[i] - wanted;
    const bool change = preparation.fit == "crop" ? difference > 0 : difference < 0;
    const bool both = preparation.fit == "crop_or_pad";
    if (!change && !both)
      axes.push_back({present[i], 1, 0});
    else  // rounded towards zero: an odd difference leaves the extra voxel at the end
      axes.push_back({wanted, 1, static_cast<double>(difference / 2)});
  }
  return axes;
}

Geometry moved(const Geometry& geometry, const std::vector<Axis>& axes) {
  std::vector<double> scale;
  std::vector<double> offset;
  for (const auto& axis : axes) {
    scale.push_back(axis.scale);
    offset.push_back(axis.offset);
  }
  return regridded(geometry, scale, offset);
}

// The range of an integer type; floating-point values are taken to be in [0, 1] already.
std::pair<double, double> stored_range(const Image& image) {
  const auto type = image.pixels.scalar_type();
  if (at::isFloatingType(type)) return {0, 1};
  double bits = 8.0 * static_cast<double>(image.pixels.element_size());
  if (image.info.bits_stored > 0) bits = static_cast<double>(image.info.bits_stored);
  const bool is_signed = type == torch::kInt8 || type == torch::kInt16 || type == torch::kInt32 ||
                         type == torch::kInt64;
  if (is_signed) return {-std::exp2(bits - 1), std::exp2(bits - 1) - 1};
  return {0, std::exp2(bits) - 1};
}

// The value below which a share of the voxels lies, between two of them linearly.
double percentile(const at::Tensor& sorted, double percent) {
  const auto last = sorted.numel() - 1;
  const auto position = percent / 100 * static_cast<double>(last);
  const auto below = static_cast<std::int64_t>(position);
  const auto low = sorted[below].item<double>();
  const auto high = sorted[std::min(below + 1, last)].item<double>();
  return low + (position - static_cast<double>(below)) * (high - low);
}

at::Tensor scaled(const Preparation& preparation, const Image& image, const at::Tensor& pixels,
                  const std::filesystem::path& path) {
  const auto values = pixels.to(torch::kFloat);
  if (preparation.intensity == "none") return values;
  double low = 0;
  double high = 1;
  if (preparation.intensity == "unit") {
    std::tie(low, high) = stored_range(image);
  } else if (preparation.intensity == "window") {
    low = preparation.window[0];
    high = preparation.window[1];
  } else if (preparation.intensity == "minmax" || preparation.intensity == "positive") {
    const auto bound = preparation.intensity == "positive" ? 0.0 : -INFINITY;
    low = std::max(values.min().item<double>(), bound);
    high = std::max(values.max().item<double>(), bound);
  } else {
    const auto sorted = std::get<0>(values.flatten().sort());
    low = percentile(sorted, preparation.percentiles[0]);
    high = percentile(sorted, preparation.percentiles[1]);
  }
  if (!std::isfinite(low) || !std::isfinite(high))
    throw DataError(path.string() +
                    ": holds values that are not finite; repair it or leave it out");
  // A constant image has no contrast to stretch.
  if (high <= low) return torch::zeros_like(values);
  return ((values - low) / (high - low)).clamp(0, 1);
}

// Image and label along the patient's axes.
std::pair<Image, std::optional<at::Tensor>> patient_wise(const Image& image,
                                                         const std::optional<at::Tensor>& label,
                                                         const std::filesystem::path& path) {
  if (image.dimensions() != 3 || image.geometry.spacing_mm.empty())
    throw DataError(
        path.string() +
        ": names no orientation, so prepare.orientation = \"patient\" cannot be met; set "
        "it to \"stored\"");
  auto out = to_patient_axes(image, path);
  if (!label) return {out, std::nullopt};
  return {out, to_patient_axes({*label, image.geometry, image.info}, path).pixels};
}

// The smallest box that holds every voxel above 0 in some channel.
std::vector<Axis> to_foreground(const at::Tensor& pixels, const std::filesystem::path& path) {
  const auto above = (pixels.to(torch::kFloat) > 0).any(0);
  if (!above.any().item<bool>())
    throw DataError(path.string() +
                    ": has no voxel above 0 to crop to; repair it, or set prepare.crop = \"none\"");
  std::vector<Axis> axes;
  for (std::int64_t axis = 0; axis < above.dim(); ++axis) {
    const auto inside = above.movedim(axis, 0).flatten(1).any(1).nonzero();
    const auto first = inside[0].item<std::int64_t>();
    axes.push_back({inside[-1].item<std::int64_t>() - first + 1, 1, static_cast<double>(first)});
  }
  return axes;
}

void check_axes(std::size_t given, const std::string& name, const Image& image,
                const std::filesystem::path& path) {
  const auto axes = static_cast<std::size_t>(image.dimensions());
  if (given == 0 || given == axes) return;
  throw DataError(path.string() + ": is " + std::to_string(axes) + "D, but prepare." + name +
                  " has " + std::to_string(given) + " numbers; give one an axis");
}

}  // namespace

void Preparation::describe(Schema<Preparation>& schema) {
  schema.summary(
      "From the image of a file to the image a network sees: orientation, channels, intensity, "
      "crop, spacing, size, in this order.");
  schema.field("orientation", &Preparation::orientation)
      .doc(
          "\"stored\": axes as the file has them; \"patient\": slices, rows and columns (D, H, W) "
          "of "
          "volumes grow towards the patient's head, back and left, without interpolation")
      .one_of({"stored", "patient"});
  schema.field("intensity", &Preparation::intensity)
      .doc(
          "\"unit\": the range of the stored integer type to [0, 1]; \"minmax\": each image's own "
          "range; \"positive\": the same after negative values became 0; \"window\": clipped to "
          "window; \"percentile\": clipped to percentiles of each "
          "image; \"none\": values as they are")
      .one_of({"unit", "minmax", "positive", "window", "percentile", "none"});
  schema.field("window", &Preparation::window)
      .doc("[low, high] that become 0 and 1, in the file's units (CT: Hounsfield units)")
      .require(
          [](const std::vector<double>& w) { return w.empty() || (w.size() == 2 && w[0] < w[1]); },
          "two numbers, the lower one first");
  schema.field("percentiles", &Preparation::percentiles)
      .doc("[low, high] that become 0 and 1")
      .unit("%")
      .require(
          [](const std::vector<double>& p) {
            return p.size() == 2 && 0 <= p[0] && p[0] < p[1] && p[1] <= 100;
          },
          "two numbers from 0 to 100, the lower one first");
  schema.field("crop", &Preparation::crop)
      .doc(
          "\"none\", or \"foreground\": to the smallest box that holds every voxel stored above 0, "
          "which is the brain after its extraction; size then starts from this box")
      .one_of({"none", "foreground"});
  schema.field("spacing_mm", &Preparation::spacing_mm)
      .doc("voxel size to resample to, in tensor order (D,) H, W; empty: as stored")
      .unit("mm")
      .more_than(0.0);
  schema.field("size", &Preparation::size)
      .doc("size in voxels, in tensor order (D,) H, W; empty: as it comes")
      .at_least(std::int64_t{1});
  schema.field("fit", &Preparation::fit)
      .doc(
          "how to reach size: \"stretch\", or about the centre \"crop\" (only larger sides), "
          "\"pad\" (only smaller sides), \"crop_or_pad\"")
      .one_of({"stretch", "crop", "pad", "crop_or_pad"});
  schema.field("colour", &Preparation::colour)
      .doc(
          "what of an RGB image is kept where one channel is asked for: \"green\", or \"luma\" = "
          "0.299 R + 0.587 G + 0.114 B")
      .one_of({"green", "luma"});
  schema.rule([](const Preparation& p) {
    return p.intensity == "window" && p.window.empty()
               ? std::string("intensity = \"window\" needs window = [low, high]")
               : std::string();
  });
}

at::Tensor with_channels(const at::Tensor& pixels, std::int64_t channels, const std::string& colour,
                         const std::filesystem::path& path) {
  auto present = pixels;
  if (pixels.size(0) == 2 || pixels.size(0) == 4) present = pixels.slice(0, 0, pixels.size(0) - 1);
  if (present.size(0) == channels) return present;
  if (present.size(0) == 1)
    return present.expand([&] {
      auto shape = present.sizes().vec();
      shape[0] = channels;
      return shape;
    }());
  if (present.size(0) == 3 && channels == 1) {
    if (colour == "green") return present.slice(0, 1, 2);
    const auto rgb = present.to(torch::kFloat);
    return 0.299 * rgb.slice(0, 0, 1) + 0.587 * rgb.slice(0, 1, 2) + 0.114 * rgb.slice(0, 2, 3);
  }
  throw DataError(path.string() + ": has " + std::to_string(pixels.size(0)) +
                  " channels, which cannot become " + std::to_string(channels) +
                  "; set channels to what the files hold");
}

Prepared prepare(const Preparation& preparation, const Image& stored,
                 const std::optional<at::Tensor>& stored_label, std::int64_t channels,
                 const std::filesystem::path& path) {
  check_axes(preparation.spacing_mm.size(), "spacing_mm", stored, path);
  check_axes(preparation.size.size(), "size", stored, path);
  const auto [image, label] = preparation.orientation == "patient"
                                  ? patient_wise(stored, stored_label, path)
                                  : std::pair(stored, stored_label);
  const auto pixels = with_channels(image.pixels, channels, preparation.colour, path);
  Prepared out{scaled(preparation, image, pixels, path), label, image.geometry};
  const auto regrid = [&out](const std::vector<Axis>& axes, bool whole_voxels) {
    out.geometry = moved(out.geometry, axes);
    out.image = whole_voxels ? cut(out.image, axes) : interpolated(out.image, axes);
    if (out.label) out.label = whole_voxels ? cut(*out.label, axes) : nearest(*out.label, axes);
  };
  const auto size = [&out] { return out.image.sizes().slice(1).vec(); };
  if (preparation.crop == "foreground") regrid(to_foreground(pixels, path), true);
  if (!preparation.spacing_mm.empty())
    regrid(to_spacing(preparation, size(), out.geometry, path), false);
  if (!preparation.size.empty()) regrid(to_size(preparation, size()), preparation.fit != "stretch");
  out.image = out.image.contiguous();
  if (out.label) out.label = out.label->to(torch::kInt64).contiguous();
  return out;
}

}  // namespace covector::datasets
