#pragma once

#include "covector/core/method.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace covector::transforms {

/// A chain's element: part("noise", {{"std", OptionArray{0.0, 0.1}}}).
COVECTOR_API Part part(const std::string& type,
                       std::vector<std::pair<std::string, OptionValue>> options = {});

/// One number an axis from a method's option, e.g. "crop".
/// Throws RecipeError "[method] 'crop' has 2 numbers, the images have 3 axes", where a side is not
/// a multiple of the backbone's divisor, and what Backbone::check_batch() throws.
/// @param batch  views that pass through the backbone together in training
COVECTOR_API std::vector<std::int64_t> view_size(const std::string& option,
                                                 const std::vector<std::int64_t>& given,
                                                 const Backbone& backbone, std::int64_t batch);
/// Throws RecipeError "[backbone] the finest level has stride 2; method 'gvsl' compares voxels and
/// needs stride 1" unless it has.
COVECTOR_API void check_voxelwise(const std::string& method, const Backbone& backbone);

/// How strongly the views of a contrastive method differ. The defaults are those of the global
/// methods in 2D.
struct ContrastiveChain {
  std::vector<std::int64_t> size;               // one number an axis
  double min_share = 0.2;                       // of area or volume; 1: the whole image, resized
  std::vector<double> ratio = {0.75, 4.0 / 3};  // of sides; {1, 1} keeps their proportions
  std::vector<double> flip;                     // chance an axis
  double quarter_turn_probability = 0.0;        // in the plane of the last two axes
  double rotation = 0.0;                        // degrees of arc, both ways
  double jitter_probability = 0.8;
  double strength = 0.4;  // of brightness and contrast
  double gamma_probability = 0.3;
  std::vector<double> gamma = {0.7, 1.5};
  double blur_probability = 0.5;
  std::vector<double> blur_sigma = {0.1, 2.0};  // voxels
  double solarise_probability = 0.0;
};
/// Sensible values for images of this many axes: as the fields say in 2D (mirrored along the last
/// axis alone); in 3D proportions are kept, all axes mirrored, and blur reaches 1.15.
/// Source: SimCLR, MoCo v2 and BYOL (ranges), reduced to one channel; gamma of nnssl.
COVECTOR_API ContrastiveChain global_chain(const std::vector<std::int64_t>& size);
/// What a chest X-ray can take without losing a lesion: turned by up to 10 degrees and mirrored
/// along the last axis, nothing else. Source: H. Sowrirajan et al., MoCo-CXR, MIDL 2021.
COVECTOR_API ContrastiveChain chest_xray_chain(const std::vector<std::int64_t>& size);
/// The dense methods': mirrored along the last axis alone, no gamma, every axis has its own aspect.
/// Source: DenseCL, SetSim and PixPro.
COVECTOR_API ContrastiveChain dense_chain(const std::vector<std::int64_t>& size);

/// affine, random_resized_crop (or resize), flip, rotate90, jitter, gamma, blur, solarise: those
/// that change anything and have a chance above 0.
COVECTOR_API Parts chain_of(const ContrastiveChain& views);

/// One random window of each sample and mirror images of it, the same in all views of the step.
/// @param flip  the transform that mirrors; without it each axis with chance 0.5, in 2D the last
///              alone
COVECTOR_API Parts shared_window(const std::vector<std::int64_t>& size,
                                 std::optional<Part> flip = std::nullopt);
/// The views of a method that restores images: "clean" shows the window, "damaged" the same window
/// after the damage.
COVECTOR_API std::vector<ViewSpec> clean_and_damaged(const Parts& window, const Parts& damage);

}  // namespace covector::transforms
