#pragma once

#include "covector/core/method.h"
#include "covector/transforms/chains.h"

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace covector::transforms {

/// What a recipe can set of the two views, "first" and "second", that a method compares as wholes.
struct ViewPairOptions {
  std::vector<std::int64_t> crop{384};
  std::int64_t crops = 1;
  std::string augmentation = "standard";
  std::optional<double> min_share;
  std::optional<double> strength;
  double quarter_turns = 0.0;

  /// Adds these fields, and where all of its methods depart from their originals, to the schema of
  /// an options struct that is derived from this one.
  template <class Derived>
  static void describe_in(Schema<Derived>& schema);
};

/// The chain that options ask for: global_chain() or chest_xray_chain() with their changes.
COVECTOR_API ContrastiveChain pair_chain(const ViewPairOptions& options,
                                         const std::vector<std::int64_t>& size);
/// The views of chains of their own, with the crops a sample that the options ask for.
COVECTOR_API std::vector<ViewSpec> view_pair(const ViewPairOptions& options,
                                             const ContrastiveChain& first,
                                             const ContrastiveChain& second);

template <class Derived>
void ViewPairOptions::describe_in(Schema<Derived>& schema) {
  schema
      .departure(
          "Views. Original: crop, flip, colour jitter, grey and blur of photographs. Here, on one "
          "channel: saturation, hue and grey are the identity; gamma stands in for their strength; "
          "the crop keeps a fifth of the area (volume) at least where SimCLR and BYOL allow 0.08.")
      .departure(
          "Encoder. Original: a ResNet's pooled last map. Here the mean of the backbone's coarsest "
          "level; the other stages of an encoder, which nnssl adds, are not looked at.");
  const auto field = [&](const std::string& name, auto member) {
    using Value = std::remove_reference_t<decltype(std::declval<ViewPairOptions&>().*member)>;
    return schema.field(name, static_cast<Value Derived::*>(member));
  };
  field("crop", &ViewPairOptions::crop)
      .doc("size of both views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  field("crops", &ViewPairOptions::crops)
      .doc(
          "pairs of crops of each sample; a pair counts as a sample of its own, beside others of "
          "the same image")
      .at_least(1);
  field("augmentation", &ViewPairOptions::augmentation)
      .doc(
          "\"chest_xray\": turned by up to 10 degrees and mirrored, nothing that could hide a "
          "lesion (MoCo-CXR)")
      .one_of({"standard", "chest_xray"});
  field("min_share", &ViewPairOptions::min_share)
      .doc("smallest share of the image's area (volume) that a crop shows; 0.2")
      .between(0.01, 1.0);
  field("strength", &ViewPairOptions::strength)
      .doc("of the changes of brightness and contrast; 0.4")
      .between(0.0, 1.0);
  field("quarter_turns", &ViewPairOptions::quarter_turns)
      .doc("chance of a turn by 90, 180 or 270 degrees in the plane of the last two axes")
      .between(0.0, 1.0);
  schema.rule([](const Derived& o) -> std::string {
    return o.augmentation == "chest_xray" && (o.min_share || o.strength || o.quarter_turns > 0)
               ? "'min_share', 'strength' and 'quarter_turns' change augmentation = \"standard\" "
                 "alone"
               : "";
  });
}

}  // namespace covector::transforms
