#pragma once

#include <cstdint>
#include <filesystem>

namespace covector::testing {

/// FIVES as its archive unpacks below `folder`, in a folder of the set's name inside another of it:
/// 4 * `of_each` photographs to train, 1_A.png, 2_D.png, 3_G.png, 4_N.png, 5_A.png ..., and 4 to
/// test, in Original and "Ground truth"; a spreadsheet beside them. RGB of 32 x 32; masks are
/// RGB too, 0 and 255, but those of kind N gray.
void make_fives_tree(const std::filesystem::path& folder, int of_each);

/// Vessels: the rows that leave `number` mod 8 when divided by 8.
bool fives_vessel(std::int64_t row, int number);
/// Of photograph `number`: red 200, green 100 but 40 on vessels, blue 4 times the column.
int fives_value(int channel, std::int64_t row, std::int64_t column, int number);

}  // namespace covector::testing
