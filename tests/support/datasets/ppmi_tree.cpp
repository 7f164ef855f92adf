#include "support/datasets/ppmi_tree.h"

#include "datasets/files.h"
#include "support/datasets/made_up_volume.h"

#include <torch/types.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace covector::testing {
namespace {

namespace fs = std::filesystem;

// LONI's names of slices: number of the slice, of the series, of the image.
std::string slice_name(const std::string& subject, const std::string& description, int slice,
                       int image) {
  return "PPMI_" + subject + "_MR_" + description + "__br_raw_20110315102233445_" +
         std::to_string(slice) + "_S" + std::to_string(90000 + image) + "_I" +
         std::to_string(image) + ".dcm";
}

// Rows grow towards I, columns towards P, slices towards R.
DicomBytes sagittal(const at::Tensor& slice, int position) {
  DicomBytes dicom;
  dicom.rows = static_cast<std::uint16_t>(slice.size(0));
  dicom.columns = static_cast<std::uint16_t>(slice.size(1));
  char x[16];
  std::snprintf(x, sizeof x, "%.1f", -1.2 * position);
  dicom.position = std::string(x) + "\\0\\0";
  dicom.orientation = "0\\1\\0\\0\\0\\-1";
  dicom.spacing = "1\\1";
  const auto values = slice.to(torch::kInt16).contiguous();
  dicom.pixels.assign(static_cast<const char*>(values.const_data_ptr()), values.nbytes());
  return dicom;
}

void write_series(const at::Tensor& volume, const fs::path& place, const std::string& subject,
                  const std::string& description, int image) {
  const auto folder = place / ("I" + std::to_string(image));
  for (std::int64_t d = 0; d < volume.size(1); ++d) {
    auto dicom = sagittal(volume[0][d], static_cast<int>(d));
    dicom.series = "1.2.840." + std::to_string(image);
    write_file(folder / slice_name(subject, description, static_cast<int>(d) + 1, image),
               dicom.file());
  }
}

}  // namespace

void make_ppmi_tree(const fs::path& folder, int subjects) {
  fs::create_directories(folder);
  std::ofstream table(folder / "idaSearch.csv");
  table << "\"Image Data ID\",\"Subject\",\"Group\",\"Sex\",\"Age\",\"Visit\",\"Modality\","
           "\"Description\",\"Type\",\"Acq Date\",\"Format\",\"Downloaded\"\n";
  const auto label = made_up_label({24, 32, 32}, 3);
  for (int i = 0; i < subjects; ++i) {
    const auto subject = std::to_string(3100 + i);
    const auto home = folder / "PPMI" / subject;
    const auto row = [&](int image, const std::string& description, const std::string& visit) {
      table << "\"I" << image << "\",\"" << subject << "\",\"PD\",\"M\",\"61\",\"" << visit
            << "\",\"MRI\",\"" << description << "\",\"Original\",\"1/20/2011\",\"DCM\",\"\"\n";
    };
    const auto t1 = made_up_image(label, 300, i) * (label > 0);
    write_series(t1, home / "SAG_3D_FSPGR_BRAVO/2011-01-20_14_02_03.0", subject,
                 "SAG_3D_FSPGR_BRAVO", 1000 + i);
    row(1000 + i, "SAG 3D FSPGR BRAVO", "BL");
    const auto second = "I" + std::to_string(2000 + i);
    write_volume(t1.to(torch::kInt16), {1.2, 1, 1},
                 home / "T1-anatomical/2012-02-21_09_30_00.0" / second /
                     ("PPMI_" + subject + "_MR_T1-anatomical_Br_20120315102233445_S92000_" +
                      second + ".nii"),
                 {0, 0, -1, 1, 0, 0, 0, -1, 0});
    row(2000 + i, "T1-anatomical", "V04");
    write_series(t1.slice(1, 0, 1), home / "Axial_PD-T2_TSE/2011-01-20_14_20_00.0", subject,
                 "Axial_PD-T2_TSE", 3000 + i);
    row(3000 + i, "Axial PD-T2 TSE", "BL");
  }
}

}  // namespace covector::testing
