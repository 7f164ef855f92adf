#pragma once

#include "covector/core/method.h"
#include "covector/transforms/chains.h"

#include <string>
#include <vector>

namespace covector::transforms {

/// The damage that GVSL and GEMINI restore images from, for images of this many axes: local
/// shuffling (chance 0.8) in 5000 (2D: 1000) windows of a twentieth (2D: a thirtieth) of the side,
/// an increasing Bezier map of intensities (0.9), and up to 30 (2D: 10) boxes of noise, a tenth to
/// a fifth (2D: half of that) of the side long. Source: Transform_self.py of YutingHe-list/GVSL
/// (77c89ba), Transform_2d.py of YutingHe-list/GEMINI (4e8e7cc).
COVECTOR_API Parts house_damage(std::int64_t dimensions);

/// Views of a sample of two images A and B that are moved alike.
struct ImagePair {
  std::vector<std::int64_t> size;  // of the views, one number an axis
  Parts damage;                    // of A, before anything is moved
  Parts moved;                     // before all are cropped at one place
  Parts moved_after = {};          // and after that
  std::string pair_phase = {};     // that looks at B
  std::string damaged_phase = {};  // that looks at the damaged A
};
/// "a" and "b" show the two images, "damaged" the first; all draw the same parameters for whatever
/// moves them.
COVECTOR_API std::vector<ViewSpec> image_pair(const ImagePair& pair);

/// Throws RecipeError "[views] 'a' ends with size [32, 32], 'b' with [32, 16]; method 'gvsl' needs
/// one size" unless all views have one size.
COVECTOR_API void check_one_size(const std::string& method, const Views& views);

}  // namespace covector::transforms
