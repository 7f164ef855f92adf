#include "support/catch.h"

#include "smoke/smoke_run.h"

#include "checkpoint.h"
#include "smoke/made_up_images.h"

#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>

namespace covector::testing {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// Lines of log.jsonl without what differs from run to run.
std::vector<json> log_of(const fs::path& run) {
  std::vector<json> lines;
  std::ifstream file(run / "log.jsonl");
  for (std::string text; std::getline(file, text);) {
    auto line = json::parse(text);
    for (const auto* name : {"time", "steps_per_second", "data_wait_share", "memory_mib"})
      line.erase(name);
    lines.push_back(std::move(line));
  }
  return lines;
}

/// Bytes, for two NaN or a 0 and a -0 are not what torch::equal() takes them for.
bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

Process start_program(const Words& words, const fs::path& images) {
  const fs::path build(COVECTOR_BINARY_DIR);
  return Process(build / "bin/covector", words,
                 {"COVECTOR_PLUGIN_PATH=" + (build / "lib/covector/plugins").string(),
                  "COVECTOR_SMOKE_DATA=" + images.string(), "OMP_NUM_THREADS=1"});
}

}  // namespace

const fs::path& smoke_images() {
  static const ScratchFolder folder;
  static const bool made = (make_smoke_images(folder.path()), true);
  static_cast<void>(made);
  return folder.path();
}

fs::path smoke_recipe(const std::string& name) {
  return fs::path(COVECTOR_SOURCE_DIR) / "recipes/smoke" / (name + ".toml");
}

Process start_run(const fs::path& recipe, const fs::path& output, const Words& more,
                  const fs::path& images) {
  Words words{"run", recipe.string(), "--output", output.string(), "--device", "cpu"};
  words.insert(words.end(), more.begin(), more.end());
  return start_program(words, images);
}

Finished run_program(const Words& words) {
  return start_program(words, smoke_images()).wait();
}

Finished run_to_end(const fs::path& recipe, const fs::path& output, const Words& more,
                    const fs::path& images) {
  return start_run(recipe, output, more, images).wait();
}

std::vector<fs::path> checkpoints_of(const fs::path& run) {
  std::vector<fs::path> files;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", absent))
    if (entry.path().filename().string().starts_with("step-")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void check_same_run(const fs::path& run, const fs::path& expected) {
  const auto mine = checkpoints_of(run);
  const auto theirs = checkpoints_of(expected);
  REQUIRE_FALSE(mine.empty());
  REQUIRE(mine.back().filename() == theirs.back().filename());
  const auto a = read_state(mine.back());
  const auto b = read_state(theirs.back());
  CHECK(a.texts == b.texts);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (const auto& item : a.tensors) {
    INFO(item.first);
    REQUIRE(b.tensors.contains(item.first));
    CHECK(same_bits(item.second, b.tensors.at(item.first)));
  }
  CHECK(log_of(run) == log_of(expected));
  REQUIRE(fs::exists(run / "metrics.json") == fs::exists(expected / "metrics.json"));
  if (fs::exists(expected / "metrics.json"))
    CHECK(text_of(run / "metrics.json") == text_of(expected / "metrics.json"));
}

}  // namespace covector::testing
