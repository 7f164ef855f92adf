#include "covector/core/plugin.h"
#include "covector/transforms/corruption/blur.h"
#include "covector/transforms/corruption/impulse_noise.h"
#include "covector/transforms/corruption/inpaint.h"
#include "covector/transforms/corruption/local_shuffle.h"
#include "covector/transforms/corruption/noise.h"
#include "covector/transforms/corruption/outpaint.h"
#include "covector/transforms/intensity/grey_levels.h"
#include "covector/transforms/intensity/intensity_map.h"
#include "covector/transforms/intensity/jitter.h"
#include "covector/transforms/spatial/affine.h"
#include "covector/transforms/spatial/crop.h"
#include "covector/transforms/spatial/elastic.h"
#include "covector/transforms/spatial/flip.h"
#include "covector/transforms/spatial/rotate90.h"

COVECTOR_PLUGIN("transforms", "0.1.0", registrar) {
  using namespace covector;
  using namespace covector::transforms;
  registrar.add<Transform, Affine, AffineOptions>("affine");
  registrar.add<Transform, Crop, CropOptions>("crop");
  registrar.add<Transform, Resize, ResizeOptions>("resize");
  registrar.add<Transform, RandomResizedCrop, RandomResizedCropOptions>("random_resized_crop");
  registrar.add<Transform, Flip, FlipOptions>("flip");
  registrar.add<Transform, Elastic, ElasticOptions>("elastic");
  registrar.add<Transform, Rotate90, Rotate90Options>("rotate90");
  registrar.add<Transform, Jitter, JitterOptions>("jitter");
  registrar.add<Transform, Solarise, SolariseOptions>("solarise");
  registrar.add<Transform, Contrast, ContrastOptions>("contrast");
  registrar.add<Transform, Brightness, BrightnessOptions>("brightness");
  registrar.add<Transform, Gamma, GammaOptions>("gamma");
  registrar.add<Transform, Clip, ClipOptions>("clip");
  registrar.add<Transform, Noise, NoiseOptions>("noise");
  registrar.add<Transform, Blur, BlurOptions>("blur");
  registrar.add<Transform, MaskingNoise, MaskingNoiseOptions>("masking_noise");
  registrar.add<Transform, SaltAndPepper, SaltAndPepperOptions>("salt_and_pepper");
  registrar.add<Transform, Inpaint, InpaintOptions>("inpaint");
  registrar.add<Transform, Outpaint, OutpaintOptions>("outpaint");
  registrar.add<Transform, Paint, PaintOptions>("paint");
  registrar.add<Transform, LocalShuffle, LocalShuffleOptions>("local_shuffle");
  registrar.add<Transform, IntensityMap, IntensityMapOptions>("intensity_map");
}
