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
  /// @param stopwatch  measures data, views, forward, backward and optimiser when given
  void step(Batches& batches, Stopwatch* stopwatch = nullptr);
  std::int64_t steps_done() const { return done_; }

  /// What the last step gave, read to the host: losses, learning rate, gradient norm and logs under
  /// the names of a log line. Throws Error when a loss is not finite.
  std::map<std::string, double> read_logs() const;
  /// Views of the last step, as the learner saw them.
  Views& last_views() { return views_.front(); }

  /// Weights, buffers, optimiser state and the number of steps done.
  void save(State& state) const;
  void restore(const State& state);

 private:
  void begin_epoch(Batches& batches);
  StepResult run_phase(const std::string& phase, Stopwatch* stopwatch);
  void make_views(const std::vector<Batch>& batches);

  const TrainPlan& plan_;
  Learner& learner_;
  const ViewChains& chains_;
  std::int64_t images_;
  c10::Device device_;
  std::shared_ptr<Schedule> schedule_;
  std::map<std::string, std::shared_ptr<Optimiser>> optimisers_;  // by phase
  std::int64_t done_ = 0;
  std::vector<Views> views_;  // one for each part of the batch
  Logs logs_;
  double rate_ = 0;
};

/// Weights and buffers of a module as tensors "weights/<name>".
COVECTOR_API void save_weights(const torch::nn::Module& module, State& state);
/// Puts them back. Throws Error naming the first that is missing or has another shape.
COVECTOR_API void restore_weights(torch::nn::Module& module, const State& state);

}  // namespace covector
