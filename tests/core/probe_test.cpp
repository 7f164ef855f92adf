#include "support/catch.h"

#include "checkpoint.h"
#include "probe.h"
#include "support/toy_runs.h"

#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <fstream>

using namespace covector;
using covector::testing::ScratchFolder;
using covector::testing::ToyProgram;
namespace fs = std::filesystem;

namespace {

/// Features of n pixels of three classes in turn, of sines so that Python can make the same:
///   i = np.arange(n)[:, None]; k = np.arange(4)[None, :]
///   np.sin(pace * i * (k + 1) + k) + (i % 3) * np.cos(k)
at::Tensor pixels(std::int64_t n, double pace) {
  const auto i = torch::arange(n, torch::kFloat64).unsqueeze(1);
  const auto k = torch::arange(4, torch::kFloat64).unsqueeze(0);
  return (pace * i * (k + 1) + k).sin() + i.remainder(3) * k.cos();
}

at::Tensor in_turn(std::int64_t n) {
  return torch::arange(n).remainder(3);
}

at::Tensor classes(std::vector<std::int64_t> values) {
  return torch::tensor(values, torch::kInt64);
}

/// The lines of a log that a probe wrote.
std::vector<nlohmann::json> probed(const fs::path& run) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(run / "log.jsonl");
  for (std::string text; std::getline(file, text);)
    if (const auto line = nlohmann::json::parse(text); line.contains("probe/seconds"))
      lines.push_back(line);
  return lines;
}

State last_state(const fs::path& run) {
  const auto latest = CheckpointFolder(run / "checkpoints", 1).latest([](const std::string& text) {
    FAIL("unexpected warning: " << text);
  });
  REQUIRE(latest);
  return latest->state;
}

const std::string kLoop = "steps = 6\nbatch = 2\ncheckpoint_every = 3\n";

}  // namespace

TEST_CASE("the linear probe is scikit-learn's ridge regression", "[probe]") {
  // scikit-learn 1.9.1: s = StandardScaler().fit(x); Ridge(alpha=60 / 1000).fit(s.transform(x),
  // np.eye(3)[y]).predict(s.transform(q)).argmax(1); the closest two scores differ by 0.03.
  CHECK(at::equal(ridge_classes(pixels(60, 0.7), in_turn(60), 3, pixels(20, 1.1)),
                  classes({0, 1, 2, 1, 0, 1, 0, 1, 2, 0, 1, 2, 1, 2, 1, 0, 1, 2, 1, 2})));
}

TEST_CASE("the nearest pixels are scikit-learn's", "[probe]") {
  // scikit-learn 1.9.1: KNeighborsClassifier(10, metric="cosine").fit(x, y).predict(q)
  CHECK(at::equal(nearest_classes(pixels(60, 0.7), in_turn(60), 3, pixels(20, 1.1)),
                  classes({0, 1, 2, 2, 0, 2, 2, 2, 2, 2, 1, 2, 1, 2, 1, 0, 1, 2, 1, 0})));
}

TEST_CASE("the Dice coefficient of pixels by hand", "[probe]") {
  // Label 1: 2 x 1 / (2 + 1); label 2: 2 x 2 / (3 + 2); label 3 is not in the truth.
  const auto truth = classes({0, 0, 1, 2, 2});
  const auto predicted = classes({1, 2, 1, 2, 2});
  CHECK(mean_dice(predicted, truth, 4) == Approx(100 * (2.0 / 3 + 4.0 / 5) / 2));
  CHECK(mean_dice(truth, classes({0, 0, 0, 0, 0}), 4) == 0);
}

TEST_CASE("probes leave a pretraining as it is, to the bit", "[probe][run]") {
  const ScratchFolder folder;
  ToyProgram program;
  const std::string method = "dropout = true";  // which draws from LibTorch's own generator
  REQUIRE(program.run(ToyProgram::pretrain(kLoop, method), folder.path() / "without") == 0);
  REQUIRE(program.run(ToyProgram::pretrain(kLoop + "probe_every = 2\n", method),
                      folder.path() / "with") == 0);
  const auto without = last_state(folder.path() / "without");
  const auto with = last_state(folder.path() / "with");
  REQUIRE(without.tensors.size() == with.tensors.size());
  for (const auto& [name, tensor] : without.tensors) {
    INFO(name);
    CHECK(at::equal(tensor, with.tensors.at(name)));
  }
  CHECK(probed(folder.path() / "without").empty());
  const auto lines = probed(folder.path() / "with");
  REQUIRE(lines.size() == 3);
  CHECK(lines.front().at("step") == 2);
  for (const auto& line : lines) {
    for (const auto* name : {"probe/linear_dice", "probe/nearest_dice"}) {
      CHECK(line.at(name).get<double>() > 0);
      CHECK(line.at(name).get<double>() <= 100);
    }
    CHECK(line.at("probe/seconds").get<double>() > 0);
  }
  // The same probes of the same weights again.
  REQUIRE(program.run(ToyProgram::pretrain(kLoop + "probe_every = 2\n", method),
                      folder.path() / "again") == 0);
  const auto again = probed(folder.path() / "again");
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (const auto* name : {"probe/linear_dice", "probe/nearest_dice"})
      CHECK(again.at(i).at(name) == lines[i].at(name));
}

TEST_CASE("a probe that cannot be is refused before the run begins", "[probe][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  auto recipe = ToyProgram::pretrain("probe_every = 5\n");
  std::get<OptionTable>(recipe.table.find("dataset")->data).set("validation", 1);
  CHECK_THROWS_WITH(
      program.run(recipe, folder.path() / "a"),
      "loop.probe_every needs two validation images, one to fit the probes and one to measure "
      "them; the dataset has 1. Set it to 0 to do without");
  CHECK_FALSE(fs::exists(folder.path() / "a"));
  CHECK_THROWS_WITH(
      program.run(ToyProgram::adapt("probe_every = 5\n"), folder.path() / "b"),
      Catch::Contains("'probe_every' watches a pretraining; a task has 'validate_every'"));
}

namespace {

class Unlabelled final : public Dataset {
 public:
  InputSpec input() const override { return {1, 2}; }
  void open() override {}
  std::int64_t size() const override { return 0; }
  Sample get(std::int64_t) const override { throw std::logic_error("not read"); }
  Sample read(const fs::path&) const override { throw std::logic_error("not read"); }
  std::string id(std::int64_t) const override { return {}; }
  std::string patient(std::int64_t) const override { return {}; }
  std::vector<std::int64_t> indices(Split) const override { return {}; }
  std::vector<std::string> classes() const override { return {}; }
  std::string fingerprint() const override { return {}; }
};

}  // namespace

TEST_CASE("a probe needs labels", "[probe][errors]") {
  CHECK_THROWS_WITH(Probe::check(Unlabelled()),
                    "loop.probe_every needs labels, and the dataset has none; give it masks, or "
                    "set it to 0");
}
