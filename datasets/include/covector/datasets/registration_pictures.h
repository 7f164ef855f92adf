#pragma once

#include "covector/datasets/picture_folder.h"

#include <cstdint>
#include <string>

namespace covector::datasets {

/// How one image was brought onto another.
struct RegistrationPicture {
  std::string moving;  // names of the two views: "b", "a"
  std::string fixed;
  at::Tensor fixed_image;   // [N, C, *size]
  at::Tensor warped;        // [N, C, *size] the moving image
  at::Tensor displacement;  // [N, d, *size] voxels, from the fixed into the moving image
};

/// Adds two pictures of a sample: "0-b-on-a", the warped image in the grey levels of the fixed one,
/// and "0-dvf-b-on-a", the displacement on the fixed one.
COVECTOR_API void add_registration(PictureFolder& out, const RegistrationPicture& picture,
                                   std::int64_t sample);

}  // namespace covector::datasets
