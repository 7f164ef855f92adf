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
  std::vector<std::string> phases() const override { return {"first", "second"}; }
  std::vector<at::Tensor> parameters_of(const std::string& phase) const override {
    return {phase == "first" ? numbers.a : numbers.b};
  }
  StepResult step(Views&, const std::string& phase) override {
    return {phase == "first" ? numbers.a * numbers.b : 2 * numbers.b, {}};
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
