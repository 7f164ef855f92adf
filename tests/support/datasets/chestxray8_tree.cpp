#include "chestxray8_tree.h"

#include "datasets/files.h"

#include "covector/datasets/image.h"

#include <torch/types.h>

#include <cstdio>
#include <string>

namespace covector::testing {
namespace fs = std::filesystem;
namespace {

std::string name_of(int patient, int image) {
  char name[32];
  std::snprintf(name, sizeof name, "%08d_%03d.png", patient, image);
  return name;
}

fs::path folder_of(NihLayout layout, int patient, int image) {
  const bool odd = patient % 2;
  switch (layout) {
    case NihLayout::nih:
      return "images";
    case NihLayout::nih_apart:
      return odd ? "images_01/images" : "images_02/images";
    case NihLayout::kaggle:
      return odd ? "images_001/images" : "images_002/images";
    case NihLayout::gemini:
      return std::string(image == 0 ? "AP_" : "PA_") + (odd ? "M" : "F");
  }
  throw std::logic_error("no such layout");
}

void write_picture(const fs::path& path, int patient, int image) {
  fs::create_directories(path.parent_path());
  const bool four = patient == 2 && image == 0;
  auto picture = torch::arange(32 * 32, torch::kInt64).view({1, 32, 32});
  picture = (picture * (patient + 1) + 50 * image).remainder(251).to(torch::kUInt8);
  if (four) picture = torch::cat({picture, picture, picture, torch::full_like(picture, 255)});
  datasets::write_image({picture, {}, {}}, path);
}

std::string header(NihLayout layout) {
  return std::string("Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient ") +
         (layout == NihLayout::nih_apart ? "Sex" : "Gender") +
         ",View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]" +
         (layout == NihLayout::kaggle ? "," : "") + "\n";
}

std::string row(NihLayout layout, int patient, int image) {
  const auto age = layout == NihLayout::nih_apart ? std::string("058Y") : std::string("58");
  return name_of(patient, image) + ",Cardiomegaly|Emphysema," + std::to_string(image) + "," +
         std::to_string(patient) + "," + age + "," + (patient % 2 ? "M" : "F") + "," +
         (image == 0 ? "AP" : "PA") + ",2682,2749,0.143,0.143" +
         (layout == NihLayout::kaggle ? "," : "") + "\n";
}

}  // namespace

void make_chestxray8_tree(const fs::path& folder, NihLayout layout, int patients) {
  auto table = header(layout);
  std::string train;
  std::string test;
  for (int patient = 1; patient <= patients; ++patient)
    for (int image = 0; image < 2; ++image) {
      const auto name = name_of(patient, image);
      write_picture(folder / folder_of(layout, patient, image) / name, patient, image);
      table += row(layout, patient, image);
      (patient == patients ? test : train) += name + "\n";
    }
  if (layout == NihLayout::gemini) return;
  const bool kaggle = layout == NihLayout::kaggle;
  write_file(folder / (kaggle ? "Data_Entry_2017.csv" : "Data_Entry_2017_v2020.csv"), table);
  write_file(folder / "BBox_List_2017.csv",
             "Image Index,Finding Label,Bbox [x,y,w,h],,,\n00000001_000.png,Atelectasis,225,84,79,"
             "186,,,\n");
  write_file(folder / "train_val_list.txt", train);
  write_file(folder / "test_list.txt", test);
}

}  // namespace covector::testing
