#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

namespace covector::transforms {

struct COVECTOR_API MaskingNoiseOptions {
  double fraction = 0.25;
  double value = 0.0;

  static void describe(Schema<MaskingNoiseOptions>& schema);
};

/// Overwrites each voxel with one value, by chance and independently of the others, in all
/// channels; marks what it overwrote.
/// Source: P. Vincent et al., Stacked Denoising Autoencoders, JMLR 11, 2010.
class COVECTOR_API MaskingNoise final : public Transform {
 public:
  explicit MaskingNoise(const MaskingNoiseOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  MaskingNoiseOptions options_;
};

struct COVECTOR_API SaltAndPepperOptions {
  double fraction = 0.1;

  static void describe(Schema<SaltAndPepperOptions>& schema);
};

/// Overwrites each voxel by chance, half of them with 0 and half with 1, in all channels; marks
/// what it overwrote.
/// Source: P. Vincent et al., Stacked Denoising Autoencoders, JMLR 11, 2010.
class COVECTOR_API SaltAndPepper final : public Transform {
 public:
  explicit SaltAndPepper(const SaltAndPepperOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  SaltAndPepperOptions options_;
};

}  // namespace covector::transforms
