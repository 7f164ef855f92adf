#include "covector/datasets/volume_cache.h"

#include <torch/types.h>

#include <future>
#include <list>
#include <map>
#include <mutex>

namespace covector::datasets {

struct VolumeCache::State {
  struct Entry {
    std::shared_future<at::Tensor> volume;
    std::int64_t bytes = 0;  // 0 while it is being decoded
    std::list<std::string>::iterator used;
  };

  mutable std::mutex mutex;
  std::int64_t budget;
  std::int64_t bytes = 0;
  std::map<std::string, Entry> entries;
  std::list<std::string> order;  // most recently used first

  void drop(const std::string& name) {
    const auto entry = entries.find(name);
    bytes -= entry->second.bytes;
    order.erase(entry->second.used);
    entries.erase(entry);
  }

  // Those still being decoded hold no bytes yet, and dropping them frees none.
  void shrink() {
    for (auto name = order.end(); bytes > budget && name != order.begin();) {
      --name;
      if (entries[*name].bytes == 0) continue;
      const auto oldest = *name++;
      drop(oldest);
    }
  }
};

VolumeCache::VolumeCache(std::int64_t budget_bytes) : state_(std::make_unique<State>()) {
  state_->budget = budget_bytes;
}
VolumeCache::~VolumeCache() = default;

at::Tensor VolumeCache::get(const std::string& name, const std::function<at::Tensor()>& decode) {
  std::promise<at::Tensor> promise;
  std::shared_future<at::Tensor> waiting;
  {
    const std::lock_guard lock(state_->mutex);
    if (const auto hit = state_->entries.find(name); hit != state_->entries.end()) {
      state_->order.splice(state_->order.begin(), state_->order, hit->second.used);
      waiting = hit->second.volume;
    } else {
      state_->order.push_front(name);
      state_->entries[name] = {promise.get_future().share(), 0, state_->order.begin()};
    }
  }
  if (waiting.valid()) return waiting.get();
  try {
    auto volume = decode();
    promise.set_value(volume);
    const std::lock_guard lock(state_->mutex);
    auto& entry = state_->entries.at(name);
    entry.bytes = static_cast<std::int64_t>(volume.nbytes());
    state_->bytes += entry.bytes;
    state_->shrink();
    return volume;
  } catch (...) {
    promise.set_exception(std::current_exception());
    const std::lock_guard lock(state_->mutex);
    state_->drop(name);
    throw;
  }
}

std::int64_t VolumeCache::bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->bytes;
}

}  // namespace covector::datasets
