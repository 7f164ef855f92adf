#pragma once

#include "covector/core/view.h"
#include "covector/datasets/picture.h"
#include "covector/datasets/picture_folder.h"

namespace covector::datasets {

/// What Method::draw needs to show the first samples of its views: images [N, C, *size] become
/// planes, planes become pictures that are large enough to be looked at.
///
///   PictureFolder out(folder);
///   for (std::int64_t n = 0; n < drawn_samples(image); ++n)
///     out.add(std::to_string(n) + "-view", view_picture(plane(image, n)), "the view");

/// How many samples of a batch are drawn: the first 4, or all where there are fewer.
COVECTOR_API std::int64_t drawn_samples(const at::Tensor& batch);

/// What a sample shows on paper: its middle slice, all three channels of a colour image, the first
/// of any other. [N, C, *size] -> [3 or 1, H, W].
COVECTOR_API at::Tensor plane(const at::Tensor& image, std::int64_t sample);
/// The components within that slice of a displacement [N, d, *size]: [2, H, W], (row, column).
COVECTOR_API at::Tensor in_plane(const at::Tensor& displacement, std::int64_t sample);

/// A picture whose longer side has few pixels, each repeated so often that it has about 384.
COVECTOR_API at::Tensor enlarged(const at::Tensor& picture);

/// A plane in grey, enlarged: the smallest value of `like` is black, its largest white. Planes that
/// are to be compared share one `like`.
COVECTOR_API at::Tensor view_picture(const at::Tensor& plane, const at::Tensor& like);
COVECTOR_API at::Tensor view_picture(const at::Tensor& plane);
/// The same with a region coloured and outlined. @param region  [1, H, W] boolean
COVECTOR_API at::Tensor region_picture(const at::Tensor& plane, const at::Tensor& region);
/// One value a pixel from black (`low`) over purple and orange to pale yellow (`high`), enlarged.
COVECTOR_API at::Tensor heat_view(const at::Tensor& plane, double low, double high);

/// Writes the first samples of all views: pictures "0-first", "0-second", "1-first", ... Those of a
/// sample share the grey values of the first by name.
/// @throws  DataError with the path when a file cannot be written
COVECTOR_API void draw_views(Views& views, const std::filesystem::path& folder);

/// Writes what a method that restores images makes of its first samples: "0-clean", "0-damaged" and
/// "0-restored" in the grey values of the clean one, and where it is off, "0-error".
/// @param clean, damaged, restored  [N, C, *size]
/// @throws  DataError with the path when a file cannot be written
COVECTOR_API void draw_restoration(const at::Tensor& clean, const at::Tensor& damaged,
                                   const at::Tensor& restored, const std::filesystem::path& folder);

/// A picture with sixteen arrows along the longer side of a displacement of in_plane().
COVECTOR_API at::Tensor with_arrows(const at::Tensor& picture, const at::Tensor& displacement,
                                    Colour colour);

}  // namespace covector::datasets
