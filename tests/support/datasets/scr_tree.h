#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace covector::testing {

enum class ScrLayout { all_images, two_archives, gemini };

/// JSRT and SCR as they unpack into one folder: JPCLN001 to JPCLN00<count> and as many JPCNN, in
/// All247images or in Nodule154images and NonNodule93images, with CLNDAT_EN.txt and CNNDAT_EN.txt,
/// and scratch/fold1 (odd numbers) and fold2 (even), masks and landmarks. Of GEMINI's layout, JPCLN
/// lies in train/labeled, JPCNN in test/labeled, and JPCLN100 in train/unlabeled.
void make_scr_tree(const std::filesystem::path& folder, ScrLayout layout, int count);

/// Rows and columns [first, last) of a structure on the grid of the masks, 1024 x 1024. The heart
/// reaches over the lungs, the clavicles over the lungs' tops.
struct Box {
  std::int64_t top, bottom, left, right;
};
Box scr_box(const std::string& structure);

/// How bright the pixel of image `number` is, on the grid of the images, 2048 x 2048; 0 to 4095.
/// Outside of all boxes: 300; in those of n structures: 300 + 900 n; everywhere + number + (row +
/// column) mod 16.
int scr_brightness(std::int64_t row, std::int64_t column, int number);

}  // namespace covector::testing
