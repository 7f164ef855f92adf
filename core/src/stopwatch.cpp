#include "stopwatch.h"

#include <torch/cuda.h>

namespace covector {

Stopwatch::Stopwatch(c10::Device device) : device_(device) {
  start();
}

void Stopwatch::start() {
  if (device_.is_cuda()) torch::cuda::synchronize(device_.index());
  last_ = Clock::now();
}

void Stopwatch::lap(const std::string& part) {
  const auto before = last_;
  start();
  seconds_[part] += std::chrono::duration<double>(last_ - before).count();
}

void Stopwatch::reset() {
  seconds_.clear();
  start();
}

double Stopwatch::seconds(const std::string& part) const {
  const auto found = seconds_.find(part);
  return found == seconds_.end() ? 0.0 : found->second;
}

}  // namespace covector
