#include "scr_tree.h"

#include "datasets/files.h"

#include "covector/datasets/image.h"

#include <torch/types.h>

#include <cstdio>
#include <map>

namespace covector::testing {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kImage = 2048;
constexpr std::int64_t kMask = 1024;

const std::map<std::string, Box>& boxes() {
  static const std::map<std::string, Box> kBoxes{{"heart", {500, 780, 400, 640}},
                                                 {"left lung", {200, 800, 560, 900}},
                                                 {"right lung", {200, 800, 120, 460}},
                                                 {"left clavicle", {150, 260, 560, 880}},
                                                 {"right clavicle", {150, 260, 140, 460}}};
  return kBoxes;
}

bool inside(const Box& box, std::int64_t row, std::int64_t column) {
  return box.top <= row && row < box.bottom && box.left <= column && column < box.right;
}

std::string name_of(const std::string& start, int number) {
  char name[16];
  std::snprintf(name, sizeof name, "%s%03d", start.c_str(), number);
  return name;
}

/// Big-endian words, large where it is dark.
std::string img_bytes(int number) {
  std::string bytes;
  bytes.reserve(2 * kImage * kImage);
  for (std::int64_t row = 0; row < kImage; ++row)
    for (std::int64_t column = 0; column < kImage; ++column) {
      const auto stored = 4095 - scr_brightness(row, column, number);
      bytes.push_back(static_cast<char>(stored >> 8));
      bytes.push_back(static_cast<char>(stored & 255));
    }
  return bytes;
}

/// GIF87a of 128 colours, black and then white, without compression: codes keep their first width
/// of 8 bits because the table is cleared (128) before it grows; 129 ends the picture.
std::string gif_bytes(const Box& box) {
  std::string codes;
  for (std::int64_t i = 0; i < kMask * kMask; ++i) {
    if (i % 100 == 0) codes.push_back('\x80');
    codes.push_back(inside(box, i / kMask, i % kMask) ? '\1' : '\0');
  }
  codes.push_back('\x81');
  const auto side = raw(static_cast<std::uint16_t>(kMask));
  std::string bytes = "GIF87a" + side + side + std::string("\xF6\0\0", 3);
  bytes += std::string("\0\0\0\xFF\xFF\xFF", 6) + std::string(126 * 3, '\0');
  bytes += "," + std::string(4, '\0') + side + side + std::string("\0\7", 2);
  for (std::size_t at = 0; at < codes.size(); at += 255) {
    const auto block = codes.substr(at, 255);
    bytes += static_cast<char>(block.size()) + block;
  }
  return bytes + '\0' + ";";
}

void make_masks(const fs::path& scratch, const std::string& name, int number) {
  const auto fold = scratch / (number % 2 ? "fold1" : "fold2");
  for (const auto& [structure, box] : boxes())
    write_file(fold / "masks" / structure / (name + ".gif"), gif_bytes(box));
  write_file(fold / "landmarks" / (name + ".pfs"), "{\n[right lung]\n{120, 200}\n}\n");
}

void write_picture(const at::Tensor& pixels, const fs::path& path) {
  fs::create_directories(path.parent_path());
  datasets::write_png(pixels, path);
}

/// 512 x 512 of eight bits: every fourth pixel of the image, every second of the masks.
void make_pictures(const fs::path& folder, const std::string& name, int number, bool labelled) {
  auto image = torch::empty({1, 512, 512}, torch::kUInt8);
  for (std::int64_t i = 0; i < image.numel(); ++i)
    image.data_ptr<std::uint8_t>()[i] =
        static_cast<std::uint8_t>(scr_brightness(i / 512 * 4, i % 512 * 4, number) / 16);
  write_picture(image, folder / "image" / (name + ".png"));
  if (!labelled) return;
  for (const auto* structure : {"heart", "lung", "clavicle"}) {
    auto mask = torch::zeros({1, 512, 512}, torch::kUInt8);
    for (const auto& [part, box] : boxes())
      if (part.ends_with(structure))
        mask.slice(1, box.top / 2, box.bottom / 2).slice(2, box.left / 2, box.right / 2).fill_(255);
    write_picture(mask, folder / "label" / structure / (name + ".png"));
  }
}

}  // namespace

Box scr_box(const std::string& structure) {
  return boxes().at(structure);
}

int scr_brightness(std::int64_t row, std::int64_t column, int number) {
  int value = 300 + number + static_cast<int>((row + column) % 16);
  for (const auto& [structure, box] : boxes())
    if (inside(box, row / 2, column / 2)) value += 900;
  return value;
}

void make_scr_tree(const fs::path& folder, ScrLayout layout, int count) {
  for (const auto* start : {"JPCLN", "JPCNN"})
    for (int number = 1; number <= count; ++number) {
      const auto name = name_of(start, number);
      const bool nodule = std::string(start) == "JPCLN";
      if (layout == ScrLayout::gemini) {
        make_pictures(folder / (nodule ? "train/labeled" : "test/labeled"), name, number, true);
        continue;
      }
      const auto* images = layout == ScrLayout::all_images ? "All247images"
                           : nodule                        ? "Nodule154images"
                                                           : "NonNodule93images";
      write_file(folder / images / (name + ".IMG"), img_bytes(number));
      make_masks(folder / "scratch", name, number);
    }
  if (layout == ScrLayout::gemini) {
    make_pictures(folder / "train/unlabeled", "JPCLN100", 100, false);
    return;
  }
  write_file(folder / "CLNDAT_EN.txt", "JPCLN001.IMG\t5\t15\t53\tMale\t1634\t692\tmalignant\r\n");
  write_file(folder / "CNNDAT_EN.txt", "JPCNN001.IMG\t45\tFemale\r\n");
  write_file(folder / ".DS_Store", "x");
  write_file(folder / "__MACOSX/All247images/._JPCLN001.IMG", "x");
}

}  // namespace covector::testing
