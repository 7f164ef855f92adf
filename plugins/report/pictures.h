#pragma once

#include "statistics.h"

#include <cstdint>
#include <string>

namespace covector::report {

/// Pictures go into the page itself, so their bytes are rationed. What does not fit is counted, and
/// said where it is missing.
class PictureBudget {
 public:
  explicit PictureBudget(std::uintmax_t bytes) : left_(bytes) {}
  /// A <figure>, or nothing when the budget is spent.
  std::string figure(const std::filesystem::path& file, const std::string& title,
                     const std::string& alternative);
  /// A paragraph about what was left out since the last call; nothing when all went in.
  std::string left_out();

 private:
  std::uintmax_t left_;
  std::size_t refused_ = 0;
  std::vector<std::string> unreadable_;
};

/// What pretraining saw and answered: the last pictures of each run, sample by sample.
std::string view_pictures(const Collection& all, PictureBudget& budget);
/// Those of one run, at most so many samples.
std::string run_pictures(const Run& run, std::size_t most, PictureBudget& budget);
/// Truth and prediction of the best and the worst of the cases that were drawn, arms side by side:
/// all of few; of many the best few and the baseline.
std::string overlay_pictures(const std::vector<Experiment>& all, PictureBudget& budget);
/// Truth and prediction of an arm's own best and worst drawn case.
std::string arm_pictures(const Experiment& experiment, const Arm& arm, PictureBudget& budget);

}  // namespace covector::report
