#include "pdcxr_tree.h"

#include "datasets/files.h"

#include <string>

namespace covector::testing {
namespace fs = std::filesystem;
namespace {

// Written by Pillow 13 from the values 4 (8 r + c), quality 30: gray, and as RGB with three equal
// channels.
const std::string kGray = bytes_of_hex(
    "ffd8ffe000104a46494600010100000100010000ffdb0043001b12141714111b1716171e1c1b2028422b28252528"
    "513a3d3042605565645f555d5b6a7899816a7190735b5d85b586909ea3abadab6780bcc9baa6c799a8aba4ffc000"
    "0b080008000801011100ffc40014000100000000000000000000000000000001ffc4001710000301000000000000"
    "0000000000000000030562ffda0008010100003f00170b07ffd9");
const std::string kColour = bytes_of_hex(
    "ffd8ffe000104a46494600010100000100010000ffdb0043001b12141714111b1716171e1c1b2028422b28252528"
    "513a3d3042605565645f555d5b6a7899816a7190735b5d85b586909ea3abadab6780bcc9baa6c799a8aba4ffdb00"
    "43011c1e1e2823284e2b2b4ea46e5d6ea4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4"
    "a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4ffc00011080008000803011100021101031101ffc40014000100"
    "000000000000000000000000000001ffc40017100003010000000000000000000000000000030562ffc400140101"
    "00000000000000000000000000000000ffc40014110100000000000000000000000000000000ffda000c03010002"
    "110311003f00170b007fffd9");

std::string padded(int number, std::size_t digits) {
  const auto text = std::to_string(number);
  return std::string(digits > text.size() ? digits - text.size() : 0, '0') + text;
}

std::string name_of(PdcxrLayout layout, const std::string& kind, int patient, int image) {
  if (layout == PdcxrLayout::mendeley)
    return kind + "-" + std::to_string(1049278 + patient) + "-" + padded(image, 4);
  if (kind == "NORMAL")
    return (patient % 2 ? "IM-" : "NORMAL2-IM-") + padded(114 + patient, 4) + "-" +
           padded(image, 4);
  return "person" + std::to_string(patient) + (kind == "VIRUS" ? "_virus_" : "_bacteria_") +
         std::to_string(10 * patient + image);
}

void make_part(const fs::path& part, PdcxrLayout layout, int first_bacteria, int first_other,
               int count) {
  for (const std::string kind : {"NORMAL", "BACTERIA", "VIRUS"})
    for (int i = 0; i < count; ++i)
      for (int image = 1; image <= 2; ++image) {
        const auto patient = i + (kind == "BACTERIA" ? first_bacteria : first_other);
        write_file(part / (kind == "NORMAL" ? "NORMAL" : "PNEUMONIA") /
                       (name_of(layout, kind, patient, image) + ".jpeg"),
                   kind == "VIRUS" ? kColour : kGray);
      }
}

}  // namespace

void make_pdcxr_tree(const fs::path& folder, PdcxrLayout layout, int count) {
  const bool kaggle = layout == PdcxrLayout::kaggle;
  const auto set = folder / (kaggle ? "chest_xray" : "CellData/chest_xray");
  make_part(set / "train", layout, 1, 2, count);
  make_part(set / "test", layout, 1000, 1, 1);
  if (!kaggle) return;
  write_file(set / "val/NORMAL/NORMAL2-IM-1427-0001.jpeg", kGray);
  write_file(set / "val/PNEUMONIA/person1946_bacteria_4874.jpeg", kGray);
  make_part(set / "chest_xray/train", layout, 1, 2, 1);
  make_part(set / "chest_xray/test", layout, 1000, 1, 1);
  write_file(set / "train/NORMAL/.DS_Store", "x");
  write_file(set / "__MACOSX/train/NORMAL/._IM-0115-0001.jpeg", "x");
}

}  // namespace covector::testing
