#include "support/catch.h"

#include "support/toy_parts.h"
#include "train.h"

using namespace covector;

namespace {

/// Two numbers, a and b: the phase "first" trains a on a b, "second" trains b on 2 b.
class TwoPhases final : public Learner {
 public:
  struct Numbers : torch::nn::Module {
    at::Tensor a = register_parameter("a", torch::tensor(3.0));
    at::Tensor b = register_parameter("b", torch::tensor(5.0));
  };
  torch::nn::Module& module() override { return numbers; }
  std::vector<ViewSpec> views() const override { return {}; }
  std::vector<std::string> phases(std::int64_t, std::int64_t) const override {
    return {"first", "second"};
  }
  std::vector<at::Tensor> trained() const override { return {numbers.a, numbers.b}; }
  std::vector<at::Tensor> parameters_of(const std::string& phase) const override {
    return {phase == "first" ? numbers.a : numbers.b};
  }
  StepResult step(Views&, const StepInfo& info) override {
    return {info.phase == "first" ? numbers.a * numbers.b : 2 * numbers.b, {}};
  }
  Numbers numbers;
};

TrainPlan sgd_plan(std::int64_t accumulate) {
  TrainPlan plan;
  plan.optimiser = {{"type", "sgd"}, {"lr", 0.1}, {"momentum", 0.0}};
  plan.schedule = {{"type", "step"}, {"milestones", OptionArray{1}}, {"factor", 0.5}};
  plan.loop.batch = 2;
  plan.loop.accumulate = accumulate;
  return plan;
}

}  // namespace

TEST_CASE("each phase updates its own parameters from its own loss, by hand", "[train]") {
  // first: da = b = 5, a = 3 - 0.1 * 5 = 2.5; second: db = 2 (and not the 3 that the first loss
  // left there), b = 5 - 0.2 = 4.8. At half the rate: a = 2.5 - 0.05 * 4.8, b = 4.8 - 0.1
  for (const std::int64_t accumulate : {1, 2}) {
    const auto plan = sgd_plan(accumulate);
    TwoPhases learner;
    Registries registries;
    PluginLoader loader(registries, {});
    Problems problems;
    const ViewChains chains({}, registries, loader, problems);
    const covector::testing::ToyDataset dataset({});
    BatchOptions options;
    options.batch = 2;
    Batches batches(dataset, {0, 1, 2}, options, 0, c10::kCPU);
    Trainer trainer(plan, learner, chains, 3, c10::kCPU);
    trainer.step(batches);
    CHECK(learner.numbers.a.item<float>() == Approx(2.5));
    CHECK(learner.numbers.b.item<float>() == Approx(4.8));
    const auto logs = trainer.read_logs();
    CHECK(logs.at("loss/first") == Approx(15.0));
    CHECK(logs.at("loss/second") == Approx(10.0));
    CHECK(logs.at("gradient_norm/first") == Approx(5.0));
    CHECK(logs.at("gradient_norm/second") == Approx(2.0));
    CHECK(logs.at("lr") == 0.1);
    trainer.step(batches);
    CHECK(learner.numbers.a.item<float>() == Approx(2.26));
    CHECK(learner.numbers.b.item<float>() == Approx(4.7));
    CHECK(trainer.read_logs().at("lr") == 0.05);
  }
}

namespace {

/// Records what a run tells it: chooses its images, takes up a part halfway, offers embeddings.
class Listener final : public Learner {
 public:
  struct Numbers : torch::nn::Module {
    at::Tensor a = register_parameter("a", torch::tensor(1.0));
    at::Tensor head = register_parameter("head", torch::tensor(1.0));
    at::Tensor labels = register_buffer("labels", torch::empty({0}));
  };
  torch::nn::Module& module() override { return numbers; }
  std::vector<ViewSpec> views() const override { return {{"image", {}}}; }
  std::vector<std::string> phases(std::int64_t step, std::int64_t total) const override {
    return {2 * step < total ? "early" : "late"};
  }
  std::vector<at::Tensor> parameters_of(const std::string&) const override { return trained(); }
  std::vector<at::Tensor> trained() const override { return {numbers.a, numbers.head}; }
  StepResult step(Views& views, const StepInfo& info) override {
    const auto& view = views.at("image");
    for (const auto position : view.positions()) shown.push_back(position);
    phases_seen += info.phase == "early" ? "e" : "l";
    logged += info.logged ? "y" : "n";
    return {numbers.a + numbers.head, {}};
  }
  void begin_epoch(const EpochContext& context) override {
    const torch::NoGradGuard no_grad;
    begun.push_back(context.epoch);
    // The order of an epoch follows from what is known at its beginning.
    numbers.labels.resize_({1}).fill_(static_cast<double>(context.epoch));
    context.renewed(numbers.head);
    const auto images = context.images({1, 0});
    CHECK(images.image.size(0) == 2);
    CHECK(images.positions == std::vector<std::int64_t>{1, 0});
  }
  bool chooses_images() const override { return true; }
  std::vector<std::int64_t> order(std::int64_t, std::int64_t size, std::uint64_t) const override {
    return std::vector<std::int64_t>(size, numbers.labels.item<std::int64_t>() % size);
  }
  std::map<std::string, Embedding> embed(Views& views) override {
    const auto rows = views.at("image").image().flatten(1);
    seen.push_back(rows);
    CHECK_FALSE(numbers.is_training());
    return {{"z", {rows, rows + 0.0}}};
  }
  Numbers numbers;
  std::vector<std::int64_t> shown, begun;
  std::string phases_seen, logged;
  std::vector<at::Tensor> seen;
};

struct ListenerRun {
  explicit ListenerRun(std::int64_t first_step = 0)
      : chains(learner.views(), registries, loader, problems),
        batches(dataset, {0, 1, 2}, options(), first_step, c10::kCPU),
        trainer(plan, learner, chains, 3, c10::kCPU) {}
  static BatchOptions options() {
    BatchOptions out;
    out.batch = 2;
    out.chosen = true;
    return out;
  }
  static TrainPlan adam_plan() {
    TrainPlan plan;
    plan.optimiser = {{"type", "adam"}};
    plan.schedule = {{"type", "constant"}};
    plan.loop.batch = 2;
    plan.loop.steps = 6;
    return plan;
  }
  TrainPlan plan = adam_plan();
  Listener learner;
  Registries registries;
  PluginLoader loader{registries, {}};
  Problems problems;
  ViewChains chains;
  covector::testing::ToyDataset dataset{{}};
  Batches batches;
  Trainer trainer;
};

}  // namespace

TEST_CASE("epochs begin before the first step that shows them, in the order that was chosen",
          "[train]") {
  // 3 images, batches of 2: the steps show epochs 00 01 11 22 23 33. Image e % 3 is all of epoch e.
  ListenerRun run;
  for (int step = 0; step < 6; ++step) run.trainer.step(run.batches, step % 3 == 2);
  CHECK(run.learner.begun == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(run.learner.shown == std::vector<std::int64_t>{0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0});
  CHECK(run.learner.phases_seen == "eeelll");
  CHECK(run.learner.logged == "nnynny");
}

TEST_CASE("a run resumed within an epoch shows what the whole one shows", "[train][resume]") {
  for (std::int64_t at = 1; at < 6; ++at) {
    ListenerRun whole;
    State state;
    for (std::int64_t step = 0; step < 6; ++step) {
      if (step == at) whole.trainer.save(state);
      whole.trainer.step(whole.batches);
    }
    ListenerRun resumed(at);
    resumed.trainer.restore(state);
    for (auto step = at; step < 6; ++step) resumed.trainer.step(resumed.batches);
    INFO(at);
    const auto& all = whole.learner.shown;
    CHECK(resumed.learner.shown == std::vector<std::int64_t>(all.begin() + 2 * at, all.end()));
    CHECK(torch::equal(resumed.learner.numbers.head, whole.learner.numbers.head));
    CHECK(torch::equal(resumed.learner.numbers.a, whole.learner.numbers.a));
  }
}

TEST_CASE("the optimiser forgets the moments of a renewed parameter alone", "[train]") {
  // Adam's first step is lr whatever the gradient, and gradients here are 1 throughout, so that the
  // moments tell how many steps a parameter has seen: mean = 1 - 0.9^n.
  ListenerRun run;
  for (int step = 0; step < 3; ++step) run.trainer.step(run.batches);  // epoch 1 began at step 1
  State state;
  run.trainer.save(state);
  CHECK(state.tensors.at("optimiser/0").item<float>() == Approx(1 - 0.9 * 0.9 * 0.9));
  CHECK(state.tensors.at("optimiser/1").item<float>() == Approx(1 - 0.9 * 0.9));
}

TEST_CASE("the monitors look at 64 crops, the same at every call", "[train]") {
  ListenerRun run;
  const auto first = run.trainer.monitor(run.batches);
  CHECK(run.learner.numbers.is_training());
  const auto rows = torch::cat(run.learner.seen);
  CHECK(rows.size(0) == 64);
  run.learner.seen.clear();
  CHECK(run.trainer.monitor(run.batches) == first);
  CHECK(torch::equal(torch::cat(run.learner.seen), rows));
  // 64 rows of 64 pixels, unit length, by hand
  const auto z = rows.to(torch::kFloat64) / rows.to(torch::kFloat64).norm(2, 1, true);
  const auto std = (z - z.mean(0)).square().sum(0).div(63).sqrt().mean().item<double>();
  CHECK(first.at("z/std") == Approx(std).epsilon(1e-5));
  CHECK(first.at("z/level") == Approx(1 - 8 * std).epsilon(1e-4));
  CHECK(first.at("z/alignment") == 0.0);
  CHECK(first.size() == 5);
}

TEST_CASE("a checkpoint that lacks a tensor, or has another shape, is refused", "[train][errors]") {
  TwoPhases::Numbers numbers;
  State state;
  save_weights(numbers, state);
  CHECK(state.tensors.at("weights/a").item<float>() == 3.0F);
  state.tensors["weights/b"] = torch::zeros({2});
  CHECK_THROWS_WITH(restore_weights(numbers, state),
                    "the checkpoint's 'weights/b' has shape [2], not []");
  state.tensors.erase("weights/b");
  CHECK_THROWS_WITH(restore_weights(numbers, state), "the checkpoint lacks 'weights/b'");
}
