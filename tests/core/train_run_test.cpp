#include "support/catch.h"

#include "bench.h"
#include "checkpoint.h"
#include "precision.h"
#include "run_folder.h"
#include "support/toy_runs.h"
#include "train_run.h"
#include "transfer.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

using namespace covector;
using covector::testing::before_toy_step;
using covector::testing::ScratchFolder;
using covector::testing::text_of;
using covector::testing::ToyProgram;
namespace fs = std::filesystem;

namespace {

State last_state(const fs::path& run) {
  auto latest = CheckpointFolder(run / "checkpoints", 1).latest([](const std::string& text) {
    FAIL("unexpected warning: " << text);
  });
  REQUIRE(latest);
  return std::move(latest->state);
}

void check_same(const State& a, const State& b) {
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    INFO(name);
    CHECK(at::equal(tensor, b.tensors.at(name)));
  }
  CHECK(a.texts.at("counters") == b.texts.at("counters"));
  CHECK(a.texts.at("steps_done") == b.texts.at("steps_done"));
}

/// Sets the hook for the life of the object.
struct BeforeStep {
  explicit BeforeStep(std::function<void(std::int64_t)> hook) {
    before_toy_step() = std::move(hook);
  }
  ~BeforeStep() { before_toy_step() = nullptr; }
};

/// Step and loss of each log line.
std::vector<std::pair<std::int64_t, double>> losses(const fs::path& run) {
  std::vector<std::pair<std::int64_t, double>> all;
  std::ifstream file(run / "log.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json.contains("loss")) all.emplace_back(json.at("step"), json.at("loss"));
  }
  return all;
}

Profile bench(const Recipe& recipe) {
  ToyProgram program;
  return bench_recipe({recipe, {}, "cpu", 1, false}, 3, program.registries, program.loader);
}

double seconds_of(const Profile& profile, const std::string& part) {
  for (const auto& [name, seconds] : profile.seconds)
    if (name == part) return seconds;
  FAIL("no part " << part);
  return 0;
}

const std::string kLoop =
    "steps = 12\nbatch = 4\nlog_every = 1\ncheckpoint_every = 5\nthreads = 2\n";

/// Recipes whose runs must not depend on where they were interrupted.
std::vector<Recipe> resumable() {
  const std::string sgd =
      "[optimiser]\ntype = \"sgd\"\nlr = 0.05\nnesterov = true\nclip_norm = 0.5\n"
      "[schedule]\ntype = \"cosine\"\nwarmup_steps = 3\n";
  return {ToyProgram::pretrain(kLoop, "dropout = true"),
          ToyProgram::pretrain(kLoop + "accumulate = 2", "phases = 2\n" + sgd),
          ToyProgram::pretrain(kLoop + "layout = \"channels_last\"\nprecision = \"bfloat16\"", sgd),
          ToyProgram::adapt(kLoop + "validate_every = 2", "[labelled]\ncount = 6\n" + sgd)};
}

}  // namespace

TEST_CASE("a pretrain run leaves its folder complete, and run again says so", "[run]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto recipe = ToyProgram::pretrain(kLoop + "pictures_every = 6");
  CHECK(program.run(recipe, folder.path() / "a") == 0);
  const auto run = folder.path() / "a";
  for (const auto* file : {"recipe.toml", "plugins.json", "environment.json", "log.jsonl",
                           "status.json", "checkpoints/step-000000012.h5",
                           "images/step-000000006/method.txt", "images/step-000000012/method.txt"})
    CHECK(fs::exists(run / file));
  // the last two stay
  CHECK(fs::exists(run / "checkpoints/step-000000010.h5"));
  CHECK_FALSE(fs::exists(run / "checkpoints/step-000000005.h5"));
  CHECK(read_status(run).state == "finished");
  CHECK(losses(run).size() == 12);
  CHECK(losses(run).back().second < losses(run).front().second);
  const auto environment = nlohmann::json::parse(text_of(run / "environment.json"));
  CHECK(environment.at("dataset_fingerprint") == "toy");
  CHECK(environment.at("device").get<std::string>().rfind("cpu", 0) == 0);

  program.out.str("");
  const auto log = text_of(run / "log.jsonl");
  CHECK(program.run(recipe, run) == 0);
  CHECK(program.out.str() == run.string() + " is finished: 12 steps\n");
  CHECK(text_of(run / "log.jsonl") == log);
}

TEST_CASE("a run stopped by signals at any step resumes bit for bit", "[run][resume]") {
  for (const auto& recipe : resumable()) {
    const ScratchFolder folder;
    ToyProgram program;
    REQUIRE(program.run(recipe, folder.path() / "whole") == 0);
    int number = 0;
    std::vector<int> codes;
    {
      const BeforeStep hook([&](std::int64_t) {
        ++number;
        if (number == 2 || number == 7) std::raise(number == 2 ? SIGTERM : SIGINT);
      });
      for (int i = 0; i < 3; ++i) codes.push_back(program.run(recipe, folder.path() / "parts"));
    }
    CHECK(codes == std::vector<int>{143, 130, 0});
    check_same(last_state(folder.path() / "parts"), last_state(folder.path() / "whole"));
    CHECK(losses(folder.path() / "parts") == losses(folder.path() / "whole"));
    if (fs::exists(folder.path() / "whole/metrics.json"))
      CHECK(text_of(folder.path() / "parts/metrics.json") ==
            text_of(folder.path() / "whole/metrics.json"));
  }
}

TEST_CASE("a run that broke off between checkpoints resumes bit for bit", "[run][resume]") {
  for (const auto& recipe : resumable()) {
    const ScratchFolder folder;
    ToyProgram program;
    REQUIRE(program.run(recipe, folder.path() / "whole") == 0);
    int number = 0;
    {
      const BeforeStep hook([&](std::int64_t) {
        if (++number == 4 || number == 12) throw std::runtime_error("power failure");
      });
      CHECK_THROWS_WITH(program.run(recipe, folder.path() / "parts"),
                        Catch::Contains("power failure"));
      CHECK(read_status(folder.path() / "parts").state == "failed");
      // no checkpoint yet: from the beginning, until it breaks off again
      CHECK_THROWS_WITH(program.run(recipe, folder.path() / "parts"),
                        Catch::Contains("power failure"));
    }
    CHECK(program.run(recipe, folder.path() / "parts") == 0);
    check_same(last_state(folder.path() / "parts"), last_state(folder.path() / "whole"));
    CHECK(losses(folder.path() / "parts") == losses(folder.path() / "whole"));
  }
}

TEST_CASE("a signal while the test cases are measured", "[run][resume]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto recipe = ToyProgram::adapt("steps = 2\nbatch = 2\n");
  int cases = 0;
  {
    const BeforeStep hook([&](std::int64_t step) {
      if (step == -1 && ++cases == 2) std::raise(SIGTERM);
    });
    CHECK(program.run(recipe, folder.path()) == 143);
  }
  CHECK(cases == 2);
  CHECK_FALSE(fs::exists(folder.path() / "metrics.json"));
  CHECK(read_status(folder.path()).state == "stopped");
  CHECK(program.run(recipe, folder.path()) == 0);
  CHECK(fs::exists(folder.path() / "metrics.json"));
}

TEST_CASE("a signal during validation leaves a checkpoint of that step", "[run][resume]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto recipe = ToyProgram::adapt("steps = 3\nbatch = 2\nvalidate_every = 1\n");
  REQUIRE(program.run(recipe, folder.path() / "whole") == 0);
  int calls = 0;
  {
    // the third call is a validation case of step 1: after the step, outside of it
    const BeforeStep hook([&](std::int64_t) {
      if (++calls == 3) std::raise(SIGTERM);
    });
    CHECK(program.run(recipe, folder.path() / "parts") == 143);
  }
  CHECK(last_state(folder.path() / "parts").texts.at("steps_done") == "1");
  CHECK(program.run(recipe, folder.path() / "parts") == 0);
  check_same(last_state(folder.path() / "parts"), last_state(folder.path() / "whole"));
}

TEST_CASE("damaged best weights are found again", "[run][resume]") {
  const ScratchFolder folder;
  const auto recipe = ToyProgram::adapt(
      "steps = 12\nbatch = 4\ncheckpoint_every = 2\nvalidate_every = 5\nkeep_checkpoints = 12\n");
  {
    ToyProgram program;
    REQUIRE(program.run(recipe, folder / "whole") == 0);
  }
  // Of step 4 is the newest checkpoint that knows no best; with only the last two, none is.
  for (const auto* from : {"resuming from step 4\n", ""}) {
    const auto run = folder / (*from ? "back" : "begin");
    fs::copy(folder / "whole", run, fs::copy_options::recursive);
    fs::remove(run / "status.json");
    fs::remove(run / "metrics.json");
    fs::resize_file(run / "checkpoints/best.h5", 700);
    if (!*from)
      for (const auto* step : {"2", "4"})
        fs::remove(run / "checkpoints" / ("step-00000000" + std::string(step) + ".h5"));
    ToyProgram program;
    CHECK(program.run(recipe, run) == 0);
    CHECK_THAT(program.out.str(),
               Catch::Contains("warning: '" + (run / "checkpoints/best.h5").string() +
                               "' is not a whole checkpoint: its length or checksum is not what "
                               "was written; going back to before it was written\n" +
                               from));
    check_same(last_state(run), last_state(folder / "whole"));
    CHECK(text_of(run / "metrics.json") == text_of(folder / "whole/metrics.json"));
  }
}

TEST_CASE("a failure is told even where it cannot be recorded", "[run][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const BeforeStep hook([&](std::int64_t) {
    fs::create_directory(folder / "status.json.new");  // so that status.json cannot be written
    throw std::runtime_error("power failure");
  });
  CHECK_THROWS_WITH(program.run(ToyProgram::pretrain(kLoop), folder.path()),
                    Catch::Contains("power failure"));
  CHECK(read_status(folder.path()).state == "running");
}

TEST_CASE("SIGUSR1 writes a checkpoint and goes on", "[run]") {
  const ScratchFolder folder;
  ToyProgram program;
  const BeforeStep hook([&](std::int64_t step) {
    if (step == 2) std::raise(SIGUSR1);
    if (step == 4) CHECK(fs::exists(folder.path() / "a/checkpoints/step-000000003.h5"));
  });
  CHECK(program.run(ToyProgram::pretrain(kLoop), folder.path() / "a") == 0);
}

TEST_CASE("a corrupt newest checkpoint is passed over with a warning", "[run][resume]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto recipe = ToyProgram::pretrain(kLoop);
  REQUIRE(program.run(recipe, folder.path() / "whole") == 0);
  {
    const BeforeStep hook([&](std::int64_t step) {
      if (step == 11) throw std::runtime_error("power failure");
    });
    CHECK_THROWS(program.run(recipe, folder.path() / "parts"));
  }
  const auto newest = folder.path() / "parts/checkpoints/step-000000010.h5";
  fs::resize_file(newest, fs::file_size(newest) - 100);
  program.out.str("");
  CHECK(program.run(recipe, folder.path() / "parts") == 0);
  CHECK(program.out.str().find("warning: ") != std::string::npos);
  CHECK(program.out.str().find("step-000000010.h5") != std::string::npos);
  CHECK(program.out.str().find("resuming from step 5\n") != std::string::npos);
  check_same(last_state(folder.path() / "parts"), last_state(folder.path() / "whole"));
}

TEST_CASE("a folder with a run of another recipe is refused, with the keys that differ",
          "[run][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto run = folder.path() / "a";
  REQUIRE(program.run(ToyProgram::pretrain("steps = 2"), run) == 0);
  CHECK_THROWS_WITH(
      program.run(ToyProgram::pretrain("steps = 1\nbatch = 4", "dropout = true"), run),
      "the run folder " + run.string() +
          " holds a run of another recipe:\n"
          "  method.dropout: false there, true now\n"
          "  loop.steps: 2 there, 1 now\n"
          "  loop.batch: 8 there, 4 now\n"
          "Give another folder with --output, or remove this one. Only loop.steps may be raised.");
  // the refused recipe leaves no trace
  CHECK(text_of(run / "recipe.toml").find("dropout = false") != std::string::npos);
}

TEST_CASE("a dataset that changed since the run began is refused", "[run][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  REQUIRE(program.run(ToyProgram::pretrain("steps = 1"), folder.path()) == 0);
  auto environment = nlohmann::json::parse(text_of(folder.path() / "environment.json"));
  environment["dataset_fingerprint"] = "other";
  write_text(folder.path() / "environment.json", environment.dump());
  CHECK_THROWS_WITH(
      program.run(ToyProgram::pretrain("steps = 2"), folder.path()),
      Catch::StartsWith("the dataset is not the one that the run in " + folder.path().string() +
                        " began with: its fingerprint was other and is toy."));
}

TEST_CASE("raising the steps goes on where the run ended", "[run][resume]") {
  const ScratchFolder folder;
  ToyProgram program;
  REQUIRE(program.run(ToyProgram::pretrain("steps = 4\nbatch = 2"), folder.path() / "a") == 0);
  REQUIRE(program.run(ToyProgram::pretrain("steps = 7\nbatch = 2"), folder.path() / "a") == 0);
  REQUIRE(program.run(ToyProgram::pretrain("steps = 7\nbatch = 2"), folder.path() / "b") == 0);
  check_same(last_state(folder.path() / "a"), last_state(folder.path() / "b"));
}

TEST_CASE("a loss that is not finite stops the run and spares the checkpoint", "[run][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto recipe = ToyProgram::pretrain(
      "steps = 12\nbatch = 4\nlog_every = 4\ncheckpoint_every = 5\n", "diverge_at = 6");
  // step 6 (from 0) is the seventh; the next that looks is the eighth
  CHECK_THROWS_WITH(program.run(recipe, folder.path()),
                    Catch::StartsWith("step 8: the loss is not finite:") &&
                        Catch::Contains("\n  loss = nan") && Catch::Contains("\n  toy/mean = ") &&
                        Catch::Contains("The last checkpoint is kept."));
  CHECK(last_state(folder.path()).texts.at("steps_done") == "5");
  CHECK(read_status(folder.path()).error.find("not finite") != std::string::npos);
}

TEST_CASE("two processes cannot use one run folder", "[run][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const BeforeStep hook([&](std::int64_t step) {
    if (step != 1) return;
    ToyProgram other;
    CHECK_THROWS_WITH(
        other.run(ToyProgram::pretrain(kLoop), folder.path()),
        Catch::StartsWith("the run folder " + folder.path().string() + " is in use by ") &&
            Catch::EndsWith(" pid " + std::to_string(getpid())));
  });
  CHECK(program.run(ToyProgram::pretrain(kLoop), folder.path()) == 0);
}

TEST_CASE("a run folder that cannot be made is told", "[run][errors]") {
  const ScratchFolder folder;
  std::ofstream(folder.path() / "file") << "not a folder";
  ToyProgram program;
  CHECK_THROWS_WITH(program.run(ToyProgram::pretrain(kLoop), folder.path() / "file" / "run"),
                    "cannot make the run folder " + (folder.path() / "file" / "run").string() +
                        ": Not a directory");
}

TEST_CASE("a batch in parts gives the update of the whole batch", "[run]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto recipe = [](const std::string& accumulate) {
    auto made = ToyProgram::pretrain("steps = 3\nbatch = 4\naccumulate = " + accumulate,
                                     "[optimiser]\ntype = \"sgd\"\nlr = 0.1\n");
    std::get<OptionTable>(made.table.find("backbone")->data).set("norm", false);
    return made;
  };
  REQUIRE(program.run(recipe("1"), folder.path() / "whole") == 0);
  REQUIRE(program.run(recipe("4"), folder.path() / "parts") == 0);
  const auto whole = last_state(folder.path() / "whole");
  const auto parts = last_state(folder.path() / "parts");
  for (const auto& [name, tensor] : whole.tensors) {
    if (name == "weights/queue") continue;  // the method keeps the loss of the last part
    INFO(name);
    CHECK(at::allclose(tensor.to(at::kDouble), parts.tensors.at(name).to(at::kDouble), 1e-5, 1e-6));
  }
}

TEST_CASE("every method starts from the same backbone, and seeds from different ones", "[run]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto scratch = ToyProgram::recipe("pretrain", "[method]\ntype = \"scratch\"\n");
  auto other_seed = scratch;
  other_seed.table.set("seed", 4);
  REQUIRE(program.run(scratch, folder.path() / "scratch") == 0);
  REQUIRE(program.run(other_seed, folder.path() / "other") == 0);
  CHECK(read_status(folder.path() / "scratch").state == "finished");
  const BeforeStep hook([](std::int64_t) { std::raise(SIGTERM); });
  auto toy =
      ToyProgram::pretrain("steps = 1\nbatch = 2", "[optimiser]\ntype = \"sgd\"\nlr = 1e-30\n");
  CHECK(program.run(toy, folder.path() / "toy") == 143);
  const auto name = "weights/backbone.encoder.weight";
  const auto first = last_state(folder.path() / "scratch").tensors.at(name);
  CHECK(at::equal(first, last_state(folder.path() / "toy").tensors.at(name)));
  CHECK_FALSE(at::equal(first, last_state(folder.path() / "other").tensors.at(name)));
}

TEST_CASE("adapt loads a backbone, says what it loaded, and measures every test case",
          "[run][adapt]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto pretrained = folder.path() / "pretrained";
  REQUIRE(program.run(ToyProgram::pretrain("steps = 2"), pretrained) == 0);
  program.out.str("");
  const auto recipe = ToyProgram::adapt("steps = 3\nbatch = 2\n",
                                        "[pretrained]\nrun = \"" + pretrained.string() + "\"\n");
  CHECK(program.run(recipe, folder.path() / "a") == 0);
  // 6 parameters, 3 buffers of BatchNorm
  CHECK(program.out.str().find("step 2: matched 9 tensors, 100.0 % of the backbone's numbers, "
                               "missing 0, unexpected 0, reshaped 0") != std::string::npos);
  const auto report = nlohmann::json::parse(text_of(folder.path() / "a/load_report.json"));
  CHECK(report.at("matched").size() == 9);
  CHECK(report.at("step") == 2);

  const auto metrics = nlohmann::json::parse(text_of(folder.path() / "a/metrics.json"));
  CHECK(metrics.at("weights") == "last");
  CHECK(metrics.at("step") == 3);
  CHECK(metrics.at("metrics")[0].at("unit") == "%");
  CHECK(metrics.at("cases").size() == 3);
  CHECK(metrics.at("cases")[0].at("id") == "image-12");
  CHECK(metrics.at("cases")[0].at("values")[1].at("value").is_null());
  CHECK(metrics.at("cases")[0].at("values")[1].at("note") == "not in the image");
  CHECK(fs::exists(folder.path() / "a/images/step-000000003/image-12.txt"));
}

TEST_CASE("what transfers, in words and back", "[run]") {
  for (const auto& [transfer, text] :
       {std::pair(Transfer::encoder, "encoder"), std::pair(Transfer::network, "network"),
        std::pair(Transfer{3}, "levels 3")}) {
    CHECK(to_string(transfer) == text);
    CHECK(to_transfer(text) == transfer);
  }
  for (const auto* text : {"levels 0", "levels x", "levels 3 4", "all"})
    CHECK_THROWS_WITH(to_transfer(text), "a checkpoint's weights transfer as '" +
                                             std::string(text) +
                                             "', which this version does not know");
}

TEST_CASE("an encoder goes downstream alone when the method says so", "[run][adapt]") {
  const ScratchFolder folder;
  ToyProgram program;
  REQUIRE(program.run(ToyProgram::pretrain("steps = 2", "encoder_only = true"),
                      folder.path() / "p") == 0);
  const BeforeStep hook([](std::int64_t) { std::raise(SIGTERM); });
  const auto recipe = [&](const std::string& more) {
    return ToyProgram::adapt("steps = 2\nbatch = 2\n",
                             "[optimiser]\ntype = \"sgd\"\nlr = 1e-30\n" + more);
  };
  CHECK(program.run(recipe("[pretrained]\nrun = \"" + (folder.path() / "p").string() + "\"\n"),
                    folder.path() / "a") == 143);
  CHECK(program.run(recipe(""), folder.path() / "fresh") == 143);
  const auto source = last_state(folder.path() / "p");
  const auto loaded = last_state(folder.path() / "a");
  const auto fresh = last_state(folder.path() / "fresh");
  const std::string encoder = "weights/backbone.encoder.weight";
  const std::string decoder = "weights/backbone.decoder.weight";
  CHECK(at::equal(loaded.tensors.at(encoder), source.tensors.at(encoder)));
  CHECK_FALSE(at::equal(loaded.tensors.at(encoder), fresh.tensors.at(encoder)));
  CHECK(at::equal(loaded.tensors.at(decoder), fresh.tensors.at(decoder)));
}

TEST_CASE("a backbone that does not fit is refused with what differs", "[run][adapt][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto pretrained = folder.path() / "p";
  REQUIRE(program.run(ToyProgram::pretrain("steps = 1"), pretrained) == 0);
  auto recipe =
      ToyProgram::adapt("steps = 1\n", "[pretrained]\nrun = \"" + pretrained.string() + "\"\n");
  auto& backbone = std::get<OptionTable>(recipe.table.find("backbone")->data);
  backbone.set("channels", 5);
  backbone.set("norm", false);
  CHECK_THROWS_WITH(
      program.run(recipe, folder.path() / "a"),
      Catch::StartsWith("[pretrained] the backbone does not fit; ") &&
          Catch::Contains("matched 0 tensors") && Catch::Contains("unexpected 5, reshaped 4") &&
          Catch::Contains("\n  unexpected: norm.weight\n") &&
          Catch::Contains("\n  reshaped: encoder.weight [3, 1, 3, 3] -> [5, 1, 3, 3]\n"));
}

TEST_CASE("a pretrained run that is not there, or not one, is told", "[run][adapt][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto from = [&](const fs::path& path) {
    return ToyProgram::adapt("steps = 1\n", "[pretrained]\nrun = \"" + path.string() + "\"\n");
  };
  CHECK_THROWS_WITH(program.run(from(folder.path() / "none"), folder.path() / "a"),
                    Catch::Contains("there is no run '" + (folder.path() / "none").string() + "'"));
  fs::create_directory(folder.path() / "empty");
  CHECK_THROWS_WITH(program.run(from(folder.path() / "empty"), folder.path() / "b"),
                    Catch::Contains("has no checkpoint yet"));
  REQUIRE(program.run(ToyProgram::adapt("steps = 1\n"), folder.path() / "task") == 0);
  CHECK_THROWS_WITH(program.run(from(folder.path() / "task"), folder.path() / "c"),
                    Catch::Contains("is not a checkpoint of a pretrain run"));
}

TEST_CASE("the best weights on the validation images are the ones measured", "[run][adapt]") {
  const ScratchFolder folder;
  ToyProgram program;
  // such a rate ruins what the first steps may have learnt, so the best is hardly the last
  REQUIRE(program.run(ToyProgram::adapt("steps = 6\nbatch = 2\nvalidate_every = 1\n",
                                        "[optimiser]\ntype = \"sgd\"\nlr = 3\n"),
                      folder.path()) == 0);
  double best = -1;
  std::int64_t best_step = 0;
  std::ifstream file(folder.path() / "log.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json.value("validation/accuracy", -1.0) > best) {
      best = json.at("validation/accuracy");
      best_step = json.at("step");
    }
  }
  const auto metrics = nlohmann::json::parse(text_of(folder.path() / "metrics.json"));
  CHECK(metrics.at("weights") == "best");
  CHECK(metrics.at("step") == best_step);
  CHECK(read_state(folder.path() / "checkpoints/best.h5").texts.at("steps_done") ==
        std::to_string(best_step));
}

TEST_CASE("splits that a recipe needs and the dataset lacks are told", "[run][adapt][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto without = [](const std::string& split, Recipe recipe) {
    std::get<OptionTable>(recipe.table.find("dataset")->data).set(split, 0);
    return recipe;
  };
  CHECK_THROWS_WITH(program.run(without("test", ToyProgram::adapt("")), folder.path() / "a"),
                    "the dataset has no test images to measure the task on");
  CHECK_THROWS_WITH(
      program.run(without("validation", ToyProgram::adapt("validate_every = 5")),
                  folder.path() / "b"),
      "loop.validate_every = 5, but the dataset has no validation images; set it to 0 to measure "
      "the last weights");
  CHECK_THROWS_WITH(
      program.run(ToyProgram::adapt("", "[labelled]\ncount = 11"), folder.path() / "c"),
      "[labelled] count = 11, but there are only 10 training images");
}

namespace {

/// Nine images of class "small" and then three of class "large", all to train on.
class Sizes final : public Dataset {
 public:
  InputSpec input() const override { return {1, 2}; }
  void open() override {}
  std::int64_t size() const override { return 12; }
  Sample get(std::int64_t) const override { throw std::logic_error("not read"); }
  Sample read(const fs::path&) const override { throw std::logic_error("not read"); }
  std::string id(std::int64_t) const override { return {}; }
  std::string patient(std::int64_t) const override { return {}; }
  std::vector<std::int64_t> indices(Split split) const override {
    if (split != Split::train) return {};
    return {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  }
  std::vector<std::string> classes() const override { return {}; }
  std::vector<std::string> image_classes() const override { return {"small", "large"}; }
  std::optional<std::int64_t> image_class(std::int64_t i) const override { return i < 9 ? 0 : 1; }
  std::string fingerprint() const override { return {}; }
};

}  // namespace

TEST_CASE("labels are kept in the same share of each class", "[run]") {
  TrainPlan plan;
  const auto kept = [&](std::int64_t count) {
    plan.labelled.count = count;
    return training_indices(plan, Sizes());
  };
  const auto large = [](const std::vector<std::int64_t>& indices) {
    return std::count_if(indices.begin(), indices.end(), [](auto i) { return i >= 9; });
  };
  for (plan.seed = 0; plan.seed < 5; ++plan.seed) {
    CHECK(kept(8).size() == 8);
    CHECK(large(kept(8)) == 2);
    CHECK(large(kept(4)) == 1);
    CHECK(large(kept(3)) == 1);  // 2.25 and 0.75
    CHECK(kept(12).size() == 12);
  }
  plan.seed = 0;
  const auto one = kept(4);
  plan.seed = 1;
  CHECK(kept(4) != one);
  CHECK_THROWS_WITH(kept(2),
                    "[labelled] leaves 2 of 12 training images, none of them of class 'large'; "
                    "take more");
}

TEST_CASE("predict applies the network of an adapt run", "[run][predict]") {
  const ScratchFolder folder;
  ToyProgram program;
  REQUIRE(program.run(ToyProgram::adapt("steps = 1\n"), folder.path() / "a") == 0);
  REQUIRE(program.run(ToyProgram::pretrain("steps = 1\n"), folder.path() / "p") == 0);
  std::ofstream(folder.path() / "in.png") << "a picture";
  std::ostringstream out;
  const auto predict = [&](const fs::path& run, const fs::path& input) {
    return predict_run(run, {input}, folder.path() / "out", "cpu", program.registries,
                       program.loader, out);
  };
  CHECK(predict(folder.path() / "a", folder.path() / "in.png") == 0);
  CHECK(out.str() == (folder.path() / "out/in.png").string() + "\n");
  CHECK_FALSE(text_of(folder.path() / "out/in.png").empty());
  CHECK_THROWS_WITH(predict(folder.path(), ""), Catch::Contains("is not a run folder"));
  CHECK_THROWS_WITH(predict(folder.path() / "p", ""),
                    Catch::Contains("only a run of kind adapt can predict"));
  CHECK_THROWS_WITH(predict(folder.path() / "a", folder.path() / "none.png"),
                    "there is no file " + (folder.path() / "none.png").string());
}

TEST_CASE("bench gives a number for each part of a step", "[run][bench]") {
  const auto profile = bench(ToyProgram::pretrain("batch = 2\nlayout = \"contiguous\""));
  std::vector<std::string> parts;
  double sum = 0;
  for (const auto& [part, seconds] : profile.seconds) {
    INFO(part);
    CHECK(seconds > 0);
    parts.push_back(part);
    sum += seconds;
  }
  CHECK(parts ==
        std::vector<std::string>{"data", "views", "backbone", "method", "backward", "optimiser"});
  CHECK(profile.seconds_a_step() == sum);
  CHECK(profile.steps == 3);
  CHECK(profile.data_alone > 0);
  CHECK(profile.views_alone > 0);
  CHECK(profile.peak_memory_mib > 10);
  CHECK(profile.precision == "float32");
  CHECK(profile.layout == "contiguous");
}

TEST_CASE("bench counts as the method's what it does beside its backbone", "[run][bench]") {
  // A step that waits for 20 ms, before it calls the backbone.
  const BeforeStep hook(
      [](std::int64_t) { std::this_thread::sleep_for(std::chrono::milliseconds(20)); });
  for (const auto& recipe : {ToyProgram::pretrain("batch = 2"), ToyProgram::adapt("batch = 2")}) {
    const auto profile = bench(recipe);
    CHECK(seconds_of(profile, "method") > 0.020);
    CHECK(seconds_of(profile, "backbone") < 0.020);
  }
}

TEST_CASE("bench refuses what trains nothing", "[run][bench][errors]") {
  CHECK_THROWS_WITH(bench(ToyProgram::recipe("pretrain", "[method]\ntype = \"scratch\"\n")),
                    "'scratch' trains nothing, so there is nothing to measure");
}

TEST_CASE("precision and layout of a run stay what they were when it began", "[run][resume]") {
  const ScratchFolder folder;
  const auto environment_of = [&](const std::string& run) {
    return nlohmann::json::parse(text_of(folder.path() / run / "environment.json"));
  };
  const auto recipe = [](const std::string& precision, const std::string& layout) {
    return ToyProgram::pretrain("batch = 4\nsteps = 2\nprecision = \"" + precision +
                                "\"\nlayout = \"" + layout + "\"");
  };
  REQUIRE(ToyProgram().run(recipe("auto", "auto"), folder.path() / "here") == 0);
  const auto here = environment_of("here");
  const auto chosen = settled({"auto", "auto"}, Hardware::of(c10::kCPU), 2);
  CHECK(here.at("precision") == chosen.precision);
  CHECK(here.at("layout") == chosen.layout);
  CHECK_THAT(text_of(folder.path() / "here/recipe.toml"), Catch::Contains("layout = \"auto\""));

  // Begun on a machine of the other kind, which computes in another way.
  const std::string precision = chosen.precision == "float32" ? "bfloat16" : "float32";
  const std::string layout = chosen.layout == "contiguous" ? "channels_last" : "contiguous";
  fs::create_directories(folder.path() / "there");
  std::ofstream(folder.path() / "there/environment.json")
      << nlohmann::json{{"precision", precision}, {"layout", layout}};
  REQUIRE(ToyProgram().run(recipe("auto", "auto"), folder.path() / "there") == 0);
  REQUIRE(ToyProgram().run(recipe(precision, layout), folder.path() / "asked") == 0);
  CHECK(environment_of("there").at("precision") == precision);
  CHECK(environment_of("there").at("layout") == layout);
  check_same(last_state(folder.path() / "there"), last_state(folder.path() / "asked"));
  CHECK_FALSE(at::equal(last_state(folder.path() / "there").tensors.at("weights/head.weight"),
                        last_state(folder.path() / "here").tensors.at("weights/head.weight")));
}

TEST_CASE("a device that is not there, and a word that is none, are told", "[run][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto on = [&](const std::string& device) {
    return run_recipe({ToyProgram::pretrain("steps = 1"), folder.path() / "a", device, 1, false},
                      program.registries, program.loader, program.out);
  };
  CHECK_THROWS_WITH(on("gpu"), "--device: 'gpu' is not one of auto, cpu, cuda, cuda:N");
  CHECK_THROWS_WITH(on("cuda:99"), Catch::StartsWith("--device cuda:99: ") &&
                                       Catch::EndsWith("; use --device cpu, or auto to take what "
                                                       "there is"));
  CHECK(on("auto") == 0);
}
