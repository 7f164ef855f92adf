#include "dicom.h"
#include "formats.h"

#include "covector/core/error.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace covector::datasets::io {
namespace {

std::vector<std::filesystem::path> slices_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename() == "DICOMDIR") continue;
    try {
      if (format_of(entry.path()) == Format::dicom) files.push_back(entry.path());
    } catch (const DataError&) {
      continue;  // notes and lists lie beside the slices
    }
  }
  std::sort(files.begin(), files.end());
  if (files.empty())
    throw DataError(folder.string() +
                    ": holds no DICOM files; name a file, or the folder that holds the slices");
  return files;
}

void check_alike(const std::vector<std::filesystem::path>& files,
                 const std::vector<DicomFile>& slices) {
  const auto fail = [&](std::size_t i, const std::string& what) {
    throw DataError(files[0].parent_path().string() + ": " + what + " (" +
                    files[0].filename().string() + " and " + files[i].filename().string() +
                    "); put each series into a folder of its own");
  };
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const auto& a = slices[0];
    const auto& b = slices[i];
    if (b.image.frames > 1) fail(i, "a multi-frame file lies among single slices");
    if (a.series != b.series) fail(i, "holds more than one series");
    if (a.image.size != b.image.size || a.image.components != b.image.components)
      fail(i, "slices differ in size");
    if (a.image.spacing_mm != b.image.spacing_mm) fail(i, "slices differ in pixel spacing");
    if (!b.plane) fail(i, "a slice names no position or orientation");
  }
}

// Slices whose types differ (a rescale that is the identity in some only) meet in float32.
void append(const RawImage& slice, PixelType type, std::vector<std::byte>& out) {
  if (slice.type == type) {
    out.insert(out.end(), slice.pixels.begin(), slice.pixels.end());
    return;
  }
  const auto count = static_cast<std::size_t>(slice.voxels() * slice.components);
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t value = 0;
    const auto width = bytes_of(slice.type);
    std::memcpy(&value, slice.pixels.data() + i * width, width);
    if (slice.type == PixelType::int16) value = static_cast<std::int16_t>(value);
    if (slice.type == PixelType::int8) value = static_cast<std::int8_t>(value);
    if (slice.type == PixelType::int32) value = static_cast<std::int32_t>(value);
    const auto number = static_cast<float>(value);
    const auto* bytes = reinterpret_cast<const std::byte*>(&number);
    out.insert(out.end(), bytes, bytes + sizeof(number));
  }
}

}  // namespace

RawImage read_dicom_series(const std::filesystem::path& folder) {
  const auto files = slices_in(folder);
  std::vector<DicomFile> slices;
  for (const auto& file : files) slices.push_back(load_dicom(file));
  if (slices.size() == 1) return std::move(slices[0].image);
  check_alike(files, slices);
  std::vector<Plane> planes;
  for (const auto& slice : slices) planes.push_back(*slice.plane);
  const auto stack = stack_of(planes);
  if (!stack.problem.empty())
    throw DataError(folder.string() + ": " + stack.problem + " (" +
                    files[stack.first].filename().string() + " and " +
                    files[stack.second].filename().string() +
                    "); complete the series or take the files out that do not belong");

  auto image = slices[0].image;
  image.format = "DICOM series";
  image.frames = static_cast<std::int64_t>(slices.size());
  image.size.insert(image.size.begin(), image.frames);
  image.orientation.clear();
  const auto same = std::all_of(slices.begin(), slices.end(), [&](const DicomFile& slice) {
    return slice.image.type == image.type;
  });
  if (!same) image.type = PixelType::float32;
  image.pixels.clear();
  for (const auto i : stack.order) append(slices[i].image, image.type, image.pixels);
  if (!image.spacing_mm.empty()) place_stack(planes, stack, image);
  return image;
}

}  // namespace covector::datasets::io
