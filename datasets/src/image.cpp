#include "covector/datasets/image.h"

#include "../io/formats.h"
#include "../io/raw_image.h"

#include "covector/core/error.h"
#include "covector/datasets/geometry.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace covector::datasets {
namespace {

// In the order of io::PixelType. uint64 has no arithmetic in torch; such files hold small labels.
constexpr std::array kTypes{torch::kUInt8,  torch::kInt8,  torch::kUInt16, torch::kInt16,
                            torch::kUInt32, torch::kInt32, torch::kUInt64, torch::kInt64,
                            torch::kFloat,  torch::kDouble};

at::ScalarType torch_type(io::PixelType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

io::PixelType raw_type(at::ScalarType type, const std::filesystem::path& path) {
  const auto hit = std::find(kTypes.begin(), kTypes.end(), type);
  if (hit == kTypes.end())
    throw DataError(path.string() + ": pixels of type " + c10::toString(type) +
                    " cannot be written; convert them to a number type");
  return static_cast<io::PixelType>(hit - kTypes.begin());
}

at::Tensor tensor_of(io::RawImage& raw) {
  std::vector<std::int64_t> shape = raw.size;
  const auto place = raw.planar ? shape.begin() : shape.end();
  shape.insert(place, raw.components);
  const auto type = torch_type(raw.type);
  if (raw.pixels.empty())
    return torch::zeros({1}, type).expand(shape).movedim(raw.planar ? 0 : -1, 0);
  auto bytes = std::make_shared<std::vector<std::byte>>(std::move(raw.pixels));
  auto* data = bytes->data();
  auto pixels = torch::from_blob(
      data, shape, [bytes](void*) {}, type);
  if (!raw.planar) pixels = pixels.movedim(-1, 0).contiguous();
  return pixels;
}

Image image_of(io::RawImage raw) {
  Image image;
  image.pixels = tensor_of(raw);
  // ITK may rescale in double precision; float32 is what is promised.
  if (raw.type == io::PixelType::float64 && raw.stored_type != "float64")
    image.pixels = image.pixels.to(torch::kFloat);
  image.geometry = {raw.spacing_mm, raw.origin_mm, raw.direction};
  image.info = {raw.format, raw.stored_type, raw.bits_stored,
                raw.frames, raw.photometric, raw.orientation};
  if (image.info.orientation.empty()) image.info.orientation = orientation_code(image.geometry);
  return image;
}

void check_exists(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) return;
  const auto hint = path.is_relative()
                        ? " (looked for in " + std::filesystem::current_path().string() + ")"
                        : std::string();
  throw DataError(path.string() + ": does not exist" + hint + "; check the path");
}

io::RawImage read_raw(const std::filesystem::path& path, io::Pixels pixels, Palette palette) {
  check_exists(path);
  if (std::filesystem::is_directory(path)) return io::read_dicom_series(path);
  const auto format = io::format_of(path);
  if (format == io::Format::dicom) return io::read_dicom_file(path);
  const auto colours = palette == Palette::colours ? io::Palette::expand : io::Palette::indices;
  return format == io::Format::gif ? io::read_gif(path, pixels, colours)
                                   : io::read_with_itk(path, pixels, colours);
}

}  // namespace

Image read_image(const std::filesystem::path& path, Palette palette) {
  return image_of(read_raw(path, io::Pixels::read, palette));
}

Image read_header(const std::filesystem::path& path) {
  return image_of(read_raw(path, io::Pixels::skip, Palette::colours));
}

void write_image(const Image& image, const std::filesystem::path& path) {
  const auto format = io::format_of_name(path);
  using io::Format;
  if (!format || *format == Format::jpeg || *format == Format::tiff || *format == Format::gif ||
      *format == Format::dicom)
    throw DataError(path.string() +
                    ": images are written as .nii .nii.gz .mha .mhd .nrrd .nhdr or .png");
  const auto type = image.pixels.scalar_type();
  if (*format == Format::png &&
      (image.dimensions() != 2 || (type != torch::kUInt8 && type != torch::kUInt16)))
    throw DataError(path.string() +
                    ": a PNG holds a 2D image of uint8 or uint16; write .nii.gz instead");
  io::RawImage raw;
  raw.type = raw_type(type, path);
  raw.components = image.pixels.size(0);
  raw.size = image.size();
  raw.spacing_mm = image.geometry.spacing_mm;
  raw.origin_mm = image.geometry.origin_mm;
  raw.direction = image.geometry.direction;
  const auto packed = image.pixels.detach().cpu().movedim(0, -1).contiguous();
  raw.pixels.resize(packed.nbytes());
  std::memcpy(raw.pixels.data(), packed.const_data_ptr(), raw.pixels.size());
  io::write_with_itk(raw, path);
}

void write_png(const at::Tensor& picture, const std::filesystem::path& path) {
  if (picture.dim() != 3 || (picture.size(0) != 1 && picture.size(0) != 3) ||
      picture.scalar_type() != torch::kUInt8)
    throw std::invalid_argument("picture: expected uint8 [1, H, W] or [3, H, W]");
  write_image({picture, {}, {}}, path);
}

Image as_dimensions(Image image, std::int64_t dimensions, const std::filesystem::path& path) {
  if (image.dimensions() == dimensions) return image;
  if (dimensions != 2 || image.pixels.size(1) != 1)
    throw DataError(path.string() + ": is " + std::to_string(image.dimensions()) + "D (" +
                    std::to_string(image.pixels.size(1)) +
                    (image.dimensions() == 3 ? " slices" : " rows") +
                    "), but dimensions = " + std::to_string(dimensions) +
                    "; set dimensions, or use volume_slices for slices of volumes");
  image.pixels = image.pixels.squeeze(1);
  if (!image.geometry.spacing_mm.empty()) {
    const auto spacing = image.geometry.spacing_mm;
    image.geometry = unit_geometry(2);
    image.geometry.spacing_mm = {spacing[1], spacing[2]};
  }
  return image;
}

std::string image_stem(const std::filesystem::path& path) {
  return io::stem_of(path);
}

bool has_image_name(const std::filesystem::path& path) {
  return io::format_of_name(path).has_value();
}

}  // namespace covector::datasets
