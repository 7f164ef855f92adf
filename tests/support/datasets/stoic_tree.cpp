#include "support/datasets/stoic_tree.h"

#include "support/datasets/made_up_volume.h"

#include <torch/types.h>

#include <fstream>
#include <string>

namespace covector::testing {
namespace {

// Byte by byte, since the official headers say more than the library writes.
void write_mha(const at::Tensor& pixels, const std::filesystem::path& path, int number) {
  std::ofstream file(path, std::ios::binary);
  file << "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
          "CompressedData = False\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\n"
          "CenterOfRotation = 0 0 0\nAnatomicalOrientation = RAI\nElementSpacing = 1 1 2\n"
          "DimSize = "
       << pixels.size(3) << ' ' << pixels.size(2) << ' ' << pixels.size(1) << "\nPatientAge = 0"
       << 35 + 10 * (number % 6) << "Y\nPatientSex = " << (number % 2 ? 'M' : 'F')
       << "\nSliceThickness = 2.0\nElementType = MET_SHORT\nElementDataFile = LOCAL\n";
  const auto voxels = pixels.to(torch::kInt16).contiguous();
  file.write(static_cast<const char*>(voxels.const_data_ptr()),
             static_cast<std::streamsize>(voxels.nbytes()));
}

}  // namespace

void make_stoic_tree(const std::filesystem::path& folder, int scans) {
  for (const auto* name : {"data/mha", "metadata"})
    std::filesystem::create_directories(folder / name);
  std::ofstream table(folder / "metadata/reference.csv");
  table << "PatientID,probCOVID,probSevere\n";
  const auto label = made_up_label({20, 32, 32}, 2);
  for (int i = 0; i < scans; ++i) {
    const auto number = 1 + 11 * i;
    const auto name = std::to_string(number);
    table << name << (i % 3 ? ",1," : ",0,") << i % 2 << '\n';
    write_mha(made_up_image(label, 600, number) - 1000, folder / "data/mha" / (name + ".mha"),
              number);
    write_volume(label, {2, 1, 1}, folder / "lungs" / (name + ".nii.gz"));
  }
}

}  // namespace covector::testing
