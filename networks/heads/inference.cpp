#include "covector/networks/inference.h"

namespace covector::networks {

Inference::Inference(torch::nn::Module& module)
    : module_(module), was_training_(module.is_training()) {
  module_.eval();
}

Inference::~Inference() {
  module_.train(was_training_);
}

}  // namespace covector::networks
