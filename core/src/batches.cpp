#include "batches.h"

#include "covector/core/error.h"
#include "covector/core/random.h"
#include "covector/core/samples.h"

#include <ATen/Parallel.h>
#include <omp.h>
#include <torch/types.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace covector {
namespace {

/// Decoded images by index, the least recently used dropped first when they exceed a number of
/// bytes.
class SampleCache {
 public:
  explicit SampleCache(std::int64_t budget) : budget_(budget) {}

  std::optional<Sample> find(std::int64_t index) {
    const std::lock_guard lock(mutex_);
    const auto hit = where_.find(index);
    if (hit == where_.end()) return std::nullopt;
    order_.splice(order_.begin(), order_, hit->second);
    return hit->second->second;
  }
  void put(std::int64_t index, const Sample& sample) {
    const std::lock_guard lock(mutex_);
    if (where_.contains(index) || bytes(sample) > budget_) return;
    order_.emplace_front(index, sample);
    where_[index] = order_.begin();
    used_ += bytes(sample);
    while (used_ > budget_) {
      used_ -= bytes(order_.back().second);
      where_.erase(order_.back().first);
      order_.pop_back();
    }
  }

 private:
  static std::int64_t bytes(const Sample& sample) {
    return static_cast<std::int64_t>(sample.image.nbytes() +
                                     (sample.label ? sample.label->nbytes() : 0));
  }

  std::mutex mutex_;
  std::int64_t budget_;
  std::int64_t used_ = 0;
  std::list<std::pair<std::int64_t, Sample>> order_;
  std::unordered_map<std::int64_t, std::list<std::pair<std::int64_t, Sample>>::iterator> where_;
};

}  // namespace

Batch stack(const Samples& samples) {
  check_alike(samples.list);
  Batch batch;
  batch.positions = samples.positions;
  std::vector<at::Tensor> images;
  std::vector<at::Tensor> labels;
  std::vector<std::int64_t> classes;
  for (const auto& sample : samples.list) {
    images.push_back(values_of(sample.image, sample.steps));
    if (sample.label) labels.push_back(sample.label->to(torch::kInt64));
    if (sample.image_class) classes.push_back(*sample.image_class);
    batch.ids.push_back(sample.id);
  }
  batch.image = torch::stack(images).to(samples.device);
  if (!labels.empty()) batch.label = torch::stack(labels).to(samples.device);
  if (!classes.empty())
    batch.image_class = torch::tensor(classes, torch::kInt64).to(samples.device);
  return batch;
}

struct Batches::Worker {
  /// The images of one step, filled in by the threads in any order.
  struct Step {
    std::int64_t number;
    std::vector<std::int64_t> positions;  // sample by sample, the images of a sample side by side
    std::vector<Sample> samples;
    std::size_t taken = 0;
    std::size_t done = 0;
    std::exception_ptr error;
  };

  Worker(const Dataset& set, std::vector<std::int64_t> chosen, const BatchOptions& with,
         std::int64_t first_step, at::Device to)
      : dataset(set),
        indices(std::move(chosen)),
        options(with),
        device(to),
        cache(with.cache_bytes),
        planned(first_step) {
    if (indices.empty())
      throw DataError("there is no image to train on: the training split is empty");
    if (options.images_per_sample > 1 && indices.size() < 2)
      throw DataError(
          "the method takes pairs of different images, but the training split has one image");
    const std::lock_guard lock(mutex);
    plan();
    for (std::int64_t i = 0; i < options.threads; ++i) threads.emplace_back([this] { decode(); });
  }
  ~Worker() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    work.notify_all();
    for (auto& thread : threads) thread.join();
  }

  std::int64_t count() const { return static_cast<std::int64_t>(indices.size()); }

  /// Position of the image that is shown as the n-th of the run.
  std::int64_t shown(std::int64_t n) {
    const auto epoch = n / count();
    if (!options.chosen && !orders.contains(epoch))
      orders[epoch] = RandomStream(options.seed, "order", {static_cast<std::uint64_t>(epoch)})
                          .permutation(count());
    return orders.at(epoch)[n % count()];
  }

  std::pair<std::int64_t, std::int64_t> epochs_of(std::int64_t step) const {
    return {step * options.batch / count(), ((step + 1) * options.batch - 1) / count()};
  }
  bool known(std::int64_t step) const {
    return !options.chosen || orders.contains(epochs_of(step).second);
  }

  /// The other images of a sample: any but the first, keyed by step and place in the batch.
  std::int64_t partner_of(std::int64_t first, std::int64_t step, std::int64_t slot,
                          std::int64_t image) {
    RandomStream stream(options.seed, "pair",
                        {static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(slot),
                         static_cast<std::uint64_t>(image)});
    const auto drawn = stream.integer(count() - 1);
    return drawn < first ? drawn : drawn + 1;
  }

  /// Fills the queue with the next steps, as far as their images are known. Called with the mutex
  /// held.
  void plan() {
    while (static_cast<std::int64_t>(queue.size()) < options.prefetch && known(planned)) {
      queue.push_back(step_at(planned));
      ++planned;
    }
    orders.erase(orders.begin(), orders.lower_bound(epochs_of(planned).first));
  }

  Step step_at(std::int64_t number) {
    Step step{number, {}, {}, 0, 0, nullptr};
    for (std::int64_t slot = 0; slot < options.batch; ++slot) {
      const auto first = shown(number * options.batch + slot);
      step.positions.push_back(first);
      for (std::int64_t image = 1; image < options.images_per_sample; ++image)
        step.positions.push_back(partner_of(first, number, slot, image));
    }
    step.samples.resize(step.positions.size());
    return step;
  }

  Sample fetch(std::int64_t index) {
    if (auto cached = cache.find(index)) return *cached;
    auto sample = dataset.stored(index);
    cache.put(index, sample);
    return sample;
  }

  Step* unfinished() {
    for (auto& step : queue)
      if (step.taken < step.positions.size()) return &step;
    return nullptr;
  }

  /// The life of a decoding thread.
  void decode() {
    // These threads are the parallelism; an OpenMP team in each would only crowd the cores.
    at::init_num_threads();
    omp_set_num_threads(1);
    std::unique_lock lock(mutex);
    while (true) {
      work.wait(lock, [this] { return stopping || unfinished() != nullptr; });
      if (stopping) return;
      auto* step = unfinished();
      const auto place = step->taken++;
      const auto index = indices[step->positions[place]];
      const auto number = step->number;
      lock.unlock();
      Sample sample;
      std::exception_ptr error;
      try {
        sample = fetch(index);
      } catch (const std::exception& failure) {
        error = std::make_exception_ptr(DataError(std::string(failure.what()) +
                                                  "\n  while reading image '" + dataset.id(index) +
                                                  "' for step " + std::to_string(number)));
      }
      lock.lock();
      // A deque keeps its elements in place while others are pushed and popped at the ends, and a
      // step is not popped before all of its images are done.
      step->samples[place] = std::move(sample);
      if (error && !step->error) step->error = error;
      if (++step->done == step->positions.size()) ready.notify_all();
    }
  }

  std::vector<Samples> next() {
    const auto begin = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex);
    if (queue.empty())
      throw std::logic_error("the order of epoch " + std::to_string(epochs_of(planned).second) +
                             " was not set before its first step");
    ready.wait(lock, [this] { return queue.front().done == queue.front().positions.size(); });
    waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (queue.front().error) std::rethrow_exception(queue.front().error);
    const auto step = std::move(queue.front());
    queue.pop_front();
    plan();
    lock.unlock();
    work.notify_all();

    std::vector<Samples> images(options.images_per_sample, Samples{{}, device});
    for (std::size_t i = 0; i < step.samples.size(); ++i) {
      auto& image = images[i % images.size()];
      image.list.push_back(step.samples[i]);
      image.positions.push_back(step.positions[i]);
    }
    return images;
  }

  const Dataset& dataset;
  std::vector<std::int64_t> indices;
  BatchOptions options;
  at::Device device;
  SampleCache cache;

  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable ready;
  std::deque<Step> queue;
  std::int64_t planned;
  std::map<std::int64_t, std::vector<std::int64_t>> orders;  // by epoch
  bool stopping = false;
  double waited = 0;
  std::vector<std::thread> threads;
};

Batches::Batches(const Dataset& dataset, std::vector<std::int64_t> indices,
                 const BatchOptions& options, std::int64_t first_step, at::Device device)
    : worker_(std::make_unique<Worker>(dataset, std::move(indices), options, first_step, device)) {}
Batches::~Batches() = default;

std::vector<Samples> Batches::next() {
  return worker_->next();
}

Samples Batches::images(const std::vector<std::int64_t>& positions) {
  Samples out{{}, worker_->device, positions};
  for (const auto position : positions)
    out.list.push_back(worker_->fetch(worker_->indices.at(position)));
  return out;
}

double Batches::waited_seconds() const {
  return worker_->waited;
}

std::pair<std::int64_t, std::int64_t> Batches::epochs_of(std::int64_t step) const {
  return worker_->epochs_of(step);
}

void Batches::set_order(std::int64_t epoch, std::vector<std::int64_t> order) {
  {
    const std::lock_guard lock(worker_->mutex);
    const auto count = worker_->count();
    const bool valid = static_cast<std::int64_t>(order.size()) == count &&
                       std::all_of(order.begin(), order.end(), [&](std::int64_t position) {
                         return 0 <= position && position < count;
                       });
    if (!valid)
      throw std::logic_error("the order of an epoch must be " + std::to_string(count) +
                             " positions below that number");
    worker_->orders[epoch] = std::move(order);
    worker_->plan();
  }
  worker_->work.notify_all();
}

}  // namespace covector
