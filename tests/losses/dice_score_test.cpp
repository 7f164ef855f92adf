#include "support/catch.h"

#include "covector/losses/dice_score.h"

#include <torch/types.h>

using namespace covector::losses;

namespace {

at::Tensor labels(std::vector<std::int64_t> values) {
  return torch::tensor(values, torch::kInt64);
}

}  // namespace

TEST_CASE("confusion counts pairs of true and predicted class", "[losses]") {
  const auto truth = labels({0, 0, 1, 1, 1, 2});
  const auto prediction = labels({0, 1, 1, 1, 0, 1});
  const auto counts = confusion(prediction.view({2, 3}), truth.view({2, 3}), 3);
  CHECK(torch::equal(counts, labels({1, 1, 0, 1, 2, 0, 0, 1, 0}).view({3, 3})));
}

TEST_CASE("the Dice score of a class counted by hand", "[losses]") {
  // Class 1: 2 voxels in common, 4 predicted, 3 true: 2 * 2 / 7.
  const auto truth = labels({0, 0, 1, 1, 1, 2});
  const auto prediction = labels({0, 1, 1, 1, 0, 1});
  CHECK(*dice_score(prediction, truth, 1).percent == Approx(400.0 / 7).epsilon(1e-15));
  CHECK(*dice_score(confusion(prediction, truth, 3), 1).percent ==
        Approx(400.0 / 7).epsilon(1e-15));
  CHECK(*dice_score(truth, truth, 2).percent == 100.0);
}

TEST_CASE("a structure that one map lacks scores 0, one that both lack has no score", "[losses]") {
  const auto with = labels({0, 1, 1, 0});
  const auto without = labels({0, 0, 0, 0});
  for (const auto& [prediction, truth] : {std::pair(with, without), std::pair(without, with)}) {
    CHECK(*dice_score(prediction, truth, 1).percent == 0.0);
    CHECK(*dice_score(confusion(prediction, truth, 2), 1).percent == 0.0);
  }
  for (const auto& score :
       {dice_score(without, without, 1), dice_score(confusion(without, without, 2), 1)}) {
    CHECK_FALSE(score.percent.has_value());
    CHECK(score.reason == "absent from both prediction and truth");
  }
}

TEST_CASE("the Dice score says what is wrong", "[losses][errors]") {
  const auto a = labels({0, 1});
  CHECK_THROWS_WITH(dice_score(a, labels({0, 1, 1}), 1), "truth: expected [2], got [3]");
  CHECK_THROWS_WITH(confusion(a, labels({0, 1, 1}), 2), "truth: expected [2], got [3]");
  CHECK_THROWS_WITH(confusion(a, labels({0, 4}), 2), "truth: expected values 0 .. 1, got 4");
  CHECK_THROWS_WITH(confusion(labels({-1, 0}), a, 2), "prediction: expected values 0 .. 1, got -1");
  CHECK_THROWS_WITH(dice_score(confusion(a, a, 2), 2), "label: expected 0 .. 1, got 2");
  CHECK_THROWS_WITH(dice_score(torch::zeros({2, 3}, torch::kInt64), 1),
                    "counts: expected [*, 2], got [2, 3]");
}
