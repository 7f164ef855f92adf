#include "formats.h"

#include "covector/core/error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <string>
#include <utility>

namespace covector::datasets::io {
namespace {

constexpr std::array<std::pair<std::string_view, Format>, 13> kExtensions{
    {{".nii.gz", Format::nifti},
     {".nii", Format::nifti},
     {".mha", Format::meta},
     {".mhd", Format::meta},
     {".nrrd", Format::nrrd},
     {".nhdr", Format::nrrd},
     {".png", Format::png},
     {".jpeg", Format::jpeg},
     {".jpg", Format::jpeg},
     {".tiff", Format::tiff},
     {".tif", Format::tiff},
     {".gif", Format::gif},
     {".dcm", Format::dicom}}};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

const std::pair<std::string_view, Format>* extension_of(const std::filesystem::path& path) {
  const auto name = lower(path.filename().string());
  const auto hit = std::find_if(kExtensions.begin(), kExtensions.end(), [&](const auto& entry) {
    return name.size() > entry.first.size() && name.ends_with(entry.first);
  });
  return hit == kExtensions.end() ? nullptr : &*hit;
}

bool has_dicom_mark(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(128);
  std::string mark(4, '\0');
  return file.read(mark.data(), 4) && mark == "DICM";
}

}  // namespace

std::string_view name_of(Format format) {
  constexpr std::array<std::string_view, 8> kNames{"NIfTI", "MetaImage", "NRRD", "PNG",
                                                   "JPEG",  "TIFF",      "GIF",  "DICOM"};
  return kNames[static_cast<std::size_t>(format)];
}

std::optional<Format> format_of_name(const std::filesystem::path& path) {
  const auto* entry = extension_of(path);
  return entry ? std::optional(entry->second) : std::nullopt;
}

Format format_of(const std::filesystem::path& path) {
  if (const auto format = format_of_name(path)) return *format;
  if (has_dicom_mark(path)) return Format::dicom;
  throw DataError(path.string() +
                  ": not an image format that is known (.nii .nii.gz .mha .mhd .nrrd .nhdr .png "
                  ".jpg .tif .gif .dcm, or a DICOM file of any name)");
}

std::string stem_of(const std::filesystem::path& path) {
  auto name = path.filename().string();
  const auto* entry = extension_of(path);
  return entry ? name.substr(0, name.size() - entry->first.size()) : name;
}

}  // namespace covector::datasets::io
