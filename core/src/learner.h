#pragma once

#include "covector/core/method.h"
#include "covector/core/task.h"

#include <memory>
#include <string>
#include <vector>

namespace covector {

/// What the loop trains: a pretraining method, or a task on labelled images. One face for both.
class COVECTOR_API Learner {
 public:
  virtual ~Learner();
  virtual torch::nn::Module& module() = 0;
  virtual std::vector<ViewSpec> views() const = 0;
  virtual std::int64_t images_per_sample() const { return 1; }
  virtual std::vector<std::string> phases(std::int64_t step, std::int64_t total) const = 0;
  bool trains() const { return !phases(0, 1).empty(); }
  virtual std::vector<at::Tensor> parameters_of(const std::string& phase) const = 0;
  /// Those of all phases.
  virtual std::vector<at::Tensor> trained() const = 0;
  virtual StepResult step(Views& views, const StepInfo& info) = 0;
  virtual void after_step(std::int64_t, std::int64_t) {}
  virtual void begin_epoch(const EpochContext&) {}
  virtual bool chooses_images() const { return false; }
  virtual std::vector<std::int64_t> order(std::int64_t, std::int64_t, std::uint64_t) const {
    return {};
  }
  virtual std::map<std::string, Embedding> embed(Views&) { return {}; }
  /// Pictures of the views of a step.
  virtual void draw(Views&, const std::filesystem::path&) {}
};

COVECTOR_API std::unique_ptr<Learner> learner_of(std::shared_ptr<Method> method);
COVECTOR_API std::unique_ptr<Learner> learner_of(std::shared_ptr<Task> task);

}  // namespace covector
