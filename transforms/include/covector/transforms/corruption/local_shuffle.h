#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"
#include "covector/transforms/corruption/boxes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace covector::transforms {

struct COVECTOR_API LocalShuffleOptions {
  std::vector<double> side = {0.0, 0.1};
  std::optional<std::int64_t> windows;
  double multiplicity = 10'000 * 24.5 / (64 * 64 * 32);  // 1.869 writes a voxel
  std::string permutation = "own";

  static void describe(Schema<LocalShuffleOptions>& schema);
};

/// How many windows there are on a grid: `windows`, or multiplicity * voxels / mean window,
/// rounded, so that each voxel is written equally often whatever the grid.
COVECTOR_API std::int64_t window_count(const LocalShuffleOptions& options,
                                       const std::vector<std::int64_t>& size);

/// Windows of one sample: each side takes each whole number from floor(side[0] * length) to
/// floor(side[1] * length), both included, at least 1; anywhere in the grid. With one permutation
/// for all, all windows have the sides of the first.
COVECTOR_API std::vector<Box> draw_windows(const LocalShuffleOptions& options,
                                           const std::vector<std::int64_t>& size,
                                           RandomStream& stream);

/// Where each voxel of a grid takes its value from when the voxels of each window are permuted.
/// Windows read the original; where they overlap, the later one counts.
/// @param one_permutation  for all windows, which then have the same sides
/// @returns                [voxels] int64 on the CPU: flat indices, last axis fastest
COVECTOR_API at::Tensor shuffled_index(const std::vector<Box>& windows,
                                       const std::vector<std::int64_t>& size, bool one_permutation,
                                       RandomStream& stream);

/// Permutes voxels within small windows of each sample, alike in all channels.
class COVECTOR_API LocalShuffle final : public Transform {
 public:
  explicit LocalShuffle(const LocalShuffleOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  LocalShuffleOptions options_;
};

}  // namespace covector::transforms
