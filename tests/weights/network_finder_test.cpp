#include "support/catch.h"

#include "covector/core/error.h"
#include "network_finder.h"

#include <torch/types.h>

using namespace covector;
using Names = std::vector<std::string>;

namespace {

StateDict tensors(const Names& names) {
  StateDict made;
  for (const auto& name : names) made[name] = torch::zeros({1});
  return made;
}

const auto kOwn = tensors({"inc.weight", "inc.bias", "up.conv.weight"});

Names names_of(const StateDict& found) {
  Names names;
  for (const auto& item : found) names.push_back(item.first);
  return names;
}

}  // namespace

TEST_CASE("names that stand alone are taken as they are", "[finder]") {
  LoadReport report;
  const WeightsFile file{{{"", tensors({"inc.weight", "inc.bias", "head.weight"})}},
                         {"epoch: a number"}};
  CHECK(names_of(find_network(file, kOwn, {}, report)) ==
        Names{"head.weight", "inc.bias", "inc.weight"});
  CHECK(report.changed.empty());
  CHECK(report.ignored == Names{"epoch: a number, no tensor"});
}

TEST_CASE("what wrappers and dicts put before the names is taken off and said", "[finder]") {
  LoadReport report;
  const WeightsFile file{
      {{"optimiser.state.0.", tensors({"exp_avg", "exp_avg_sq"})},
       {"optimiser.state.1.", tensors({"exp_avg"})},
       {"state_dict.",
        tensors({"module.backbone.inc.weight", "module.backbone.inc.bias",
                 "module.backbone.up.conv.weight", "module.proj.0.weight", "queue"})}},
      {}};
  // Beside the network the words that both begin with go: module. and state_dict.
  CHECK(names_of(find_network(file, kOwn, {}, report)) ==
        Names{"inc.bias", "inc.weight", "proj.0.weight", "queue", "up.conv.weight"});
  CHECK(report.changed == Names{"'state_dict.module.backbone.' before the names is taken off"});
  CHECK(report.ignored == Names{"'optimiser': 3 tensors, none of the network"});
}

TEST_CASE("of a network and a part of another, the one with more names is taken", "[finder]") {
  LoadReport report;
  const WeightsFile file{{{"", tensors({"a.inc.weight", "a.inc.bias", "b.inc.weight"})}}, {}};
  CHECK(names_of(find_network(file, kOwn, {}, report)) ==
        Names{"b.inc.weight", "inc.bias", "inc.weight"});
}

TEST_CASE("two networks in a file: --prefix chooses", "[finder][errors]") {
  LoadReport report;
  const WeightsFile file{{{"", tensors({"teacher.inc.weight", "student.inc.weight"})}}, {}};
  CHECK_THROWS_WITH(find_network(file, kOwn, {}, report),
                    "the network's names stand 1 times behind each of 'student.', 'teacher.'; "
                    "choose one with --prefix");
  CHECK(names_of(find_network(file, kOwn, "teacher.", report)) ==
        Names{"inc.weight", "student.inc.weight"});
  CHECK_THROWS_WITH(find_network(file, kOwn, "ema.", report),
                    "no name of the network stands behind 'ema.' in it");
}

TEST_CASE("names that the network does not have", "[finder][errors]") {
  LoadReport report;
  const WeightsFile other{{{"", tensors({"conv_root/kernel"})}}, {}};
  CHECK(names_of(find_network(other, kOwn, {}, report)) == Names{"conv_root/kernel"});
  const WeightsFile two{{{"a.", tensors({"x"})}, {"b.", tensors({"x"})}}, {}};
  CHECK_THROWS_WITH(find_network(two, kOwn, {}, report),
                    "no tensor in it bears a name of the network");
  CHECK_THROWS_WITH(find_network({}, kOwn, {}, report), "it holds no tensors");
  const WeightsFile twice{{{"", tensors({"a.inc.weight", "a.inc.bias", "inc.bias"})}}, {}};
  CHECK_THROWS_WITH(find_network(twice, kOwn, {}, report),
                    "two tensors are named 'inc.bias' once 'a.' is taken off; one is 'inc.bias'");
}
