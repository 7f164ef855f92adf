#include "scratch.h"

#include <stdexcept>

namespace covector::scratch {

void Options::describe(Schema<Options>& schema) {
  schema.summary("Trains nothing: the baseline row, a backbone as it was initialised.")
      .source(
          "Y. He, S. Li, Vector Contrastive Learning for Pixel-wise Pretraining in Medical "
          "Vision, ICCV 2025, row 'Scratch' of its tables");
}

Scratch::Scratch(const Options&, std::shared_ptr<Backbone> backbone, const MethodInput&) {
  register_module("backbone", std::move(backbone));
}

StepResult Scratch::step(Views&, const StepInfo& info) {
  throw std::logic_error("method 'scratch' has no phase '" + info.phase + "'");
}

}  // namespace covector::scratch
