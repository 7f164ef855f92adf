#pragma once

#include "batches.h"
#include "checkpoint.h"
#include "learner.h"
#include "optimiser.h"
#include "plan.h"
#include "schedule.h"
#include "stopwatch.h"

namespace covector {

/// The optimiser steps of a run, one batch after the other.
///
/// Everything random in step k follows from (seed, k): the batch, the views, and LibTorch's own
/// generator, which is seeded anew for each phase (dropout). So a run that goes on from a
/// checkpoint does what the uninterrupted one would have done.
class COVECTOR_API Trainer {
 public:
  /// @param learner  on the device already
  /// @param images   how many there are to train on
  Trainer(const TrainPlan& plan, Learner& learner, const ViewChains& chains, std::int64_t images,
          c10::Device device);

  /// One batch: every phase of the learner, then what it does after a step.
  /// @param logged     whether read_logs() will be called for it
  /// @param stopwatch  measures data, views, method, backward and optimiser when given. A backbone
  ///                   that is timed takes its calls from the method's part
  void step(Batches& batches, bool logged = true, Stopwatch* stopwatch = nullptr);
  std::int64_t steps_done() const { return done_; }

  /// The collapse monitors: "<name>/std", "/level", "/uniformity", "/effective_rank" and, with two
  /// views, "/alignment" of each embedding that the learner offers, over at least 64 crops that are
  /// the same at every call. Empty where it offers none.
  std::map<std::string, double> monitor(Batches& batches);

  /// What the last step gave, read to the host: losses, learning rate, gradient norm and logs under
  /// the names of a log line. Throws Error when a loss is not finite.
  std::map<std::string, double> read_logs() const;
  /// Views of the last step, as the learner saw them.
  Views& last_views() { return views_.front(); }

  /// Weights, buffers, optimiser state and the number of steps done.
  void save(State& state) const;
  void restore(const State& state);

 private:
  void begin_epochs(Batches& batches);
  void set_order(Batches& batches, std::int64_t epoch);
  StepResult run_phase(const StepInfo& info, Stopwatch* stopwatch);
  void make_views(const std::vector<Samples>& images, const std::vector<std::string>& phases);

  const TrainPlan& plan_;
  Learner& learner_;
  const ViewChains& chains_;
  std::int64_t images_;
  c10::Device device_;
  std::shared_ptr<Schedule> schedule_;
  std::shared_ptr<Optimiser> optimiser_;
  std::int64_t done_ = 0;
  bool resumed_ = false;      // restored, and no step taken since
  std::vector<Views> views_;  // one for each part of the batch
  Logs logs_;
  double rate_ = 0;
};

/// Weights and buffers of a module as tensors "weights/<name>".
COVECTOR_API void save_weights(const torch::nn::Module& module, State& state);
/// Puts them back. Throws Error naming the first that is missing or has another shape.
COVECTOR_API void restore_weights(torch::nn::Module& module, const State& state);

}  // namespace covector
