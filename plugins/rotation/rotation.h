#pragma once

#include "covector/core/method.h"
#include "covector/networks/heads.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::rotation {

struct Options {
  std::vector<std::int64_t> crop{384};
  std::optional<std::int64_t> classes;
  std::optional<std::string> rotations;

  static void describe(Schema<Options>& schema);
};

/// A view turned as a class says. Classes 0 .. 3 are quarter turns in the plane of the last two
/// axes, as torch::rot90 (counter-clockwise where rows go down). Of ten, class 0 is the identity,
/// 1 .. 3 turn in the plane of axes (D, H), 4 .. 6 in (H, W), 7 .. 9 in (D, W).
/// @param image    [N, C, *size], equal sides in the plane
/// @param classes  4 or 10
at::Tensor turned(const at::Tensor& image, std::int64_t label, std::int64_t classes);

/// Rotation: the encoder tells by which multiple of 90 degrees an image was turned.
///
///   L = mean over turned copies of the cross-entropy of linear(mean of the coarsest map)
class Rotation final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  Rotation(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  Transfer transfers() const override { return Transfer::encoder; }
  void draw(Views& views, const std::filesystem::path& folder) override;

  std::int64_t classes() const { return classes_; }
  bool all_rotations() const { return all_; }

 private:
  /// Turned copies [M, C, *size] and their classes [M].
  struct Turned {
    at::Tensor image;
    at::Tensor label;
  };
  Turned turn(const at::Tensor& image) const;
  at::Tensor scores(const at::Tensor& image);
  void count(const at::Tensor& label, const at::Tensor& scores);

  Options options_;
  std::int64_t classes_;
  bool all_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Linear> classifier_;
  at::Tensor confusion_;  // [classes, classes]: true class, predicted class, of about 100 steps
};

}  // namespace covector::rotation
