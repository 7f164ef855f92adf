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
  std::int64_t image = 0;   // which image of a sample, for methods that take pairs
  std::int64_t copies = 1;  // crops of each sample, side by side in the batch of the view
  std::string phase = {};   // the one that looks at it; empty: every phase
};

/// Named scalars of one step. Detached tensors, read on the host only when a log line is written.
using Logs = std::map<std::string, at::Tensor>;

struct StepResult {
  at::Tensor loss;  // scalar float32 that carries the gradient
  Logs logs;
};

/// What step() is told besides its views.
struct StepInfo {
  std::string phase;
  std::int64_t step = 0;   // 0 for the first of the run
  std::int64_t total = 1;  // of the run
  bool logged = true;  // whether the logs of this step are read; costly measures can be left out
};

/// What of the backbone goes to a downstream task: the encoder, or the weights that this many
/// levels of the pyramid need, coarsest first. Transfer{3}: the encoder and two steps of the
/// decoder.
enum class Transfer : std::size_t { encoder = 1, network = ~std::size_t{0} };

/// Rows of features [rows, width] that the collapse monitors measure.
struct Embedding {
  at::Tensor first;
  at::Tensor second;  // the same rows as another view shows them; undefined where there is none
};

/// What a method is told about its data.
struct MethodInput {
  InputSpec input;
  std::int64_t batch = 1;  // samples of a forward pass: loop.batch / loop.accumulate
};

/// Un-augmented access to the training images before an epoch.
struct EpochContext {
  std::int64_t epoch;
  std::int64_t size;  // training images
  std::function<Batch(std::vector<std::int64_t>)>
      images;  // by position 0 .. size - 1, on the device
  std::uint64_t seed;
  /// Tells the optimiser that a parameter holds new values: its moments start at zero again.
  std::function<void(const at::Tensor&)> renewed = {};
};

/// A pretraining objective with its heads, momentum copies and queues.
///
/// The backbone is a sub-module named "backbone". All other state (queues, pointers, prototypes) is
/// registered as parameters or buffers, so that a checkpoint carries it; a buffer whose size is not
/// known before the data is seen starts empty. What step() draws comes from LibTorch's default
/// generator, which is seeded for each phase and step.
class COVECTOR_API Method : public torch::nn::Module {
 public:
  static constexpr std::string_view kind = "method";
  using CreateArgs = std::tuple<std::shared_ptr<Backbone>, const MethodInput&>;
  ~Method() override;

  virtual std::vector<ViewSpec> views() const = 0;
  /// 1, or 2 where a sample is a pair of different images.
  virtual std::int64_t images_per_sample() const { return 1; }
  /// The phases of a step, in this order: each has a loss and an optimiser step of its own. Always
  /// empty: nothing is trained.
  virtual std::vector<std::string> phases(std::int64_t step, std::int64_t total) const;
  /// The parameters that a phase updates; by default all that require a gradient.
  virtual std::vector<at::Tensor> parameters_of(const std::string& phase) const;
  virtual StepResult step(Views& views, const StepInfo& info) = 0;
  /// Runs after the optimiser steps of a batch: moving averages, queues, schedules.
  virtual void after_step(std::int64_t step, std::int64_t total);
  /// Runs before the first step that shows an image of an epoch.
  virtual void begin_epoch(const EpochContext& context);
  /// Whether order() says which images an epoch shows. If not, each is shown once, in random order.
  virtual bool chooses_images() const { return false; }
  /// The images of an epoch: `size` positions in 0 .. size - 1. Asked for after begin_epoch() and
  /// when a run is resumed within the epoch; depends on the buffers and arguments alone.
  virtual std::vector<std::int64_t> order(std::int64_t epoch, std::int64_t size,
                                          std::uint64_t seed) const;
  virtual Transfer transfers() const { return Transfer::network; }
  /// What the collapse monitors look at, by name: "h" features of the backbone, "z" what the loss
  /// compares. Called in evaluation mode without gradient, on views that stay the same for the run.
  virtual std::map<std::string, Embedding> embed(Views& views);
  /// Writes pictures (PNG) that show what the method sees and predicts for these views. Called
  /// without gradient, at the run's picture interval.
  virtual void draw(Views& views, const std::filesystem::path& folder);
};

}  // namespace covector
