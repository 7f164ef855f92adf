#include "volume_slices.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("volume_slices", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, volume_slices::VolumeSlices, volume_slices::Options>("volume_slices");
}
