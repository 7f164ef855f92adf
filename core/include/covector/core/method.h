#pragma once

#include "covector/core/backbone.h"
#include "covector/core/option_table.h"
#include "covector/core/schema.h"
#include "covector/core/view.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace covector {

/// A view that a method wants: its name and the transform chain that makes it unless a recipe
/// replaces it under [views.<name>].
///
/// Each element of the chain is a part of kind transform: { type = "noise", std = [0, 0.02] }.
/// Besides the transform's own options every element takes
///   probability  chance that it is applied to a sample, default 1
///   draw         "sample" (default) or "batch": whether the samples of a batch share its
///   parameters shared       true: every view of the step draws the same parameters for it
struct ViewSpec {
  std::string name;
  Parts chain;
  std::int64_t image = 0;  // which image of a sample, for methods that take pairs
};

/// Named scalars of one step. Detached tensors, read on the host only when a log line is written.
using Logs = std::map<std::string, at::Tensor>;

struct StepResult {
  at::Tensor loss;  // scalar float32 that carries the gradient
  Logs logs;
};

/// What of the backbone goes to a downstream task.
enum class Transfer { encoder, network };

/// Un-augmented access to the training images before an epoch.
struct EpochContext {
  std::int64_t epoch;
  std::int64_t size;  // training images
  std::function<Batch(std::vector<std::int64_t>)>
      images;  // by position 0 .. size - 1, on the device
  std::uint64_t seed;
};

/// A pretraining objective with its heads, momentum copies and queues.
///
/// The backbone is a sub-module named "backbone". All other state (queues, pointers, prototypes) is
/// registered as parameters or buffers, so that a checkpoint carries it.
class COVECTOR_API Method : public torch::nn::Module {
 public:
  static constexpr std::string_view kind = "method";
  using CreateArgs = std::tuple<std::shared_ptr<Backbone>, const InputSpec&>;
  ~Method() override;

  virtual std::vector<ViewSpec> views() const = 0;
  /// 1, or 2 where a sample is a pair of different images.
  virtual std::int64_t images_per_sample() const { return 1; }
  /// One optimiser step a phase and batch, in this order. Empty: nothing is trained.
  virtual std::vector<std::string> phases() const { return {"train"}; }
  /// The parameters that a phase updates; by default all that require a gradient.
  virtual std::vector<at::Tensor> parameters_of(const std::string& phase) const;
  virtual StepResult step(Views& views, const std::string& phase) = 0;
  /// Runs after the optimiser step: moving averages, queues, schedules. `total` is the run's
  /// length.
  virtual void after_step(std::int64_t step, std::int64_t total);
  virtual void begin_epoch(const EpochContext& context);
  virtual Transfer transfers() const { return Transfer::network; }
  /// Writes pictures (PNG) that show what the method sees and predicts for these views. Called
  /// without gradient, at the run's picture interval.
  virtual void draw(Views& views, const std::filesystem::path& folder);
};

}  // namespace covector
