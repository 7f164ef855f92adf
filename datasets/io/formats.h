#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace covector::datasets::io {

enum class Format { nifti, meta, nrrd, png, jpeg, tiff, gif, dicom };

std::string_view name_of(Format format);
/// By the file's name: .nii .nii.gz .mha .mhd .nrrd .nhdr .png .jpg .jpeg .tif .tiff .gif .dcm, in
/// any case; nothing for another name.
std::optional<Format> format_of_name(const std::filesystem::path& path);
/// As above, or DICOM when the file carries DICOM's mark. Throws DataError naming what is known.
Format format_of(const std::filesystem::path& path);
/// The name without folder and image extension ("case.nii.gz" -> "case"); another extension stays.
std::string stem_of(const std::filesystem::path& path);

}  // namespace covector::datasets::io
