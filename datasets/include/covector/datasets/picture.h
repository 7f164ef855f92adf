#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

namespace covector::datasets {

/// Pictures of images, labels and displacement vector fields for people to look at. A picture is a
/// tensor [3, H, W] uint8 on the CPU: red, green, blue. All functions take tensors of any device
/// and throw std::invalid_argument for a shape that does not fit and for values that are not
/// finite.

using Colour = std::array<std::uint8_t, 3>;

/// The middle of a volume along its first axis: [C, D, H, W] -> [C, H, W], slice D / 2. An image
/// [C, H, W] is returned as it is.
COVECTOR_API at::Tensor middle_slice(const at::Tensor& image);

/// Values to grey: `low` and below is black, `high` and above white, linear between. With low ==
/// high everything is black.
/// @param image  [1, H, W], or [3, H, W] for red, green, blue
COVECTOR_API at::Tensor grey_picture(const at::Tensor& image, double low, double high);
/// From the smallest to the largest value of the image.
COVECTOR_API at::Tensor grey_picture(const at::Tensor& image);

/// Values to a scale from black over purple and orange to pale yellow whose lightness grows evenly.
/// @param values  [1, H, W]; `low` and below is black, `high` and above pale yellow
COVECTOR_API at::Tensor heat_picture(const at::Tensor& values, double low, double high);

/// Direction as hue, length as saturation: no displacement is white, `longest` voxels and more are
/// saturated. Right is red; hues turn over yellow (down right) and green (down left) to blue (up).
/// @param displacement  [2, H, W] in voxels, (row, column)
COVECTOR_API at::Tensor displacement_picture(const at::Tensor& displacement, double longest);

/// The colour of a label from a fixed table that people with colour-blind vision can tell apart.
/// Labels beyond the seventh repeat the table in lighter shades.
/// @param label  at least 1; 0 is background and has no colour
COVECTOR_API Colour label_colour(std::int64_t label);

/// Paints labels over a picture: blended inside, solid on the outline, which are the pixels with a
/// neighbour (of 4) of another label.
/// @param label    [1, H, W] integer; 0 leaves the picture
/// @param opacity  of the inside, 0 to 1
COVECTOR_API at::Tensor overlay_labels(const at::Tensor& picture, const at::Tensor& label,
                                       double opacity = 0.35);

/// Draws a displacement vector field as arrows from p to p + u(p), one every `spacing` voxels along
/// both axes, beginning at spacing / 2. What leaves the picture is cut at its border. Arrows
/// shorter than half a pixel are dots.
/// @param picture       its sides are the field's times one whole number: arrows grow with it
/// @param displacement  [2, H, W] in voxels, (row, column)
COVECTOR_API at::Tensor overlay_arrows(const at::Tensor& picture, const at::Tensor& displacement,
                                       std::int64_t spacing, Colour colour);

/// Every pixel repeated factor x factor times.
COVECTOR_API at::Tensor enlarge(const at::Tensor& picture, std::int64_t factor);

/// Pictures in a row, upper edges aligned, `gap` white pixels between; what a lower one leaves free
/// is white.
COVECTOR_API at::Tensor side_by_side(const std::vector<at::Tensor>& pictures, std::int64_t gap = 4);

}  // namespace covector::datasets
