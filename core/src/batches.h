#pragma once

#include "covector/core/dataset.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace covector {

struct BatchOptions {
  std::int64_t batch = 1;              // samples a step
  std::int64_t images_per_sample = 1;  // 2: each sample is a pair of different images
  std::uint64_t seed = 0;
  std::int64_t threads = 1;              // decoding threads
  std::int64_t cache_bytes = 1LL << 30;  // decoded images kept in memory
  std::int64_t prefetch = 2;             // batches decoded ahead
  bool chosen = false;                   // set_order() says which images each epoch shows
};

/// The endless stream of training batches. Which images step k gets depends on seed and k alone:
/// epochs are permutations keyed by (seed, epoch) laid end to end, or the orders that set_order()
/// gives. Threads decode ahead; an error while reading an image is thrown by next(), with the step
/// and the image's id.
class COVECTOR_API Batches {
 public:
  /// @param indices     the images of the dataset to draw from
  /// @param first_step  where to begin, for a run that is resumed
  Batches(const Dataset& dataset, std::vector<std::int64_t> indices, const BatchOptions& options,
          std::int64_t first_step, at::Device device);
  ~Batches();

  /// The samples of the next step, images_per_sample lists of them, for views on the device.
  std::vector<Samples> next();
  /// Images by their positions in `indices`, through the same cache.
  Samples images(const std::vector<std::int64_t>& positions);
  /// Seconds next() has spent waiting for data, over the life of this object.
  double waited_seconds() const;
  /// First and last epoch that a step shows images of.
  std::pair<std::int64_t, std::int64_t> epochs_of(std::int64_t step) const;
  /// The images of an epoch by position, as many as there are. With options.chosen, needed before
  /// the first step of the epoch.
  void set_order(std::int64_t epoch, std::vector<std::int64_t> order);

 private:
  struct Worker;
  std::unique_ptr<Worker> worker_;
};

/// Samples of equal shape as one batch. Throws DataError as check_alike().
COVECTOR_API Batch stack(const Samples& samples);

}  // namespace covector
