#include "image_folder.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("image_folder", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, image_folder::ImageFolder, image_folder::Options>("image_folder");
}
