#include "support/catch.h"

#include "covector/datasets/volume_cache.h"

#include <torch/types.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

using covector::datasets::VolumeCache;

namespace {

at::Tensor volume(std::int64_t bytes, int value) {
  return torch::full({bytes}, value, torch::kUInt8);
}

}  // namespace

TEST_CASE("a volume that many threads ask for is decoded once", "[datasets][cache]") {
  VolumeCache cache(1000);
  std::atomic<int> decoded{0};
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      const auto got = cache.get("a", [&] {
        ++decoded;
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        return volume(100, 7);
      });
      if (got.numel() == 100 && got[0].item<int>() == 7) ++right;
    });
  for (auto& thread : threads) thread.join();
  CHECK(decoded == 1);
  CHECK(right == 8);
  CHECK(cache.bytes() == 100);
}

TEST_CASE("the least recently used volume makes room", "[datasets][cache]") {
  VolumeCache cache(250);
  int decoded = 0;
  const auto ask = [&](const std::string& name) {
    cache.get(name, [&] {
      ++decoded;
      return volume(100, 1);
    });
  };
  ask("a");
  ask("b");
  ask("a");
  ask("c");  // b goes
  CHECK(cache.bytes() == 200);
  CHECK(decoded == 3);
  ask("a");
  ask("c");
  CHECK(decoded == 3);
  ask("b");
  CHECK(decoded == 4);
  CHECK(cache.get("huge", [] { return volume(300, 2); }).numel() == 300);
  CHECK(cache.bytes() == 0);
}

TEST_CASE("a decoding error reaches the caller and is not remembered", "[datasets][cache]") {
  VolumeCache cache(1000);
  CHECK_THROWS_WITH(cache.get("a", []() -> at::Tensor { throw std::runtime_error("broken"); }),
                    "broken");
  CHECK(cache.get("a", [] { return volume(10, 3); })[0].item<int>() == 3);
}
