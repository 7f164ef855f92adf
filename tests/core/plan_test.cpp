#include "support/catch.h"

#include "support/toy_runs.h"

using namespace covector;
using covector::testing::ToyProgram;

namespace {

Recipe from(const std::string& text) {
  return {parse_toml(text, "r.toml"), "r.toml", {}};
}

void check(const std::string& text) {
  ToyProgram program;
  check_recipe(from(text), program.registries, program.loader, program.out);
}

}  // namespace

TEST_CASE("all problems of all sections are told at once", "[plan][errors]") {
  CHECK_THROWS_WITH(check(R"(kind = "pretrain"
sed = 1
[dataset]
type = "toi"
[backbone]
type = "toy"
chanels = 4
[method]
type = "toy"
phases = 3
[optimiser]
lr = -1
[schedule]
type = "cosin"
[loop]
batch = 5
accumulate = 2
[views.noisy]
chain = [{ type = "toy", std = -1 }]
)"),
                    R"(the recipe is not valid:
  r.toml:2:7: unknown option 'sed'; did you mean 'seed'?
[dataset] is not valid:
  r.toml:4:8: unknown dataset 'toi'; did you mean 'toy'?
[backbone] is not valid:
  r.toml:7:11: unknown option 'chanels'; did you mean 'channels'?
[method] is not valid:
  r.toml:10:10: 'phases' must be between 1 and 2
[optimiser] is not valid:
  r.toml:12:6: 'lr' must be more than 0.0
[schedule] is not valid:
  r.toml:14:8: unknown schedule 'cosin'; did you mean 'cosine'?
[loop] is not valid:
  r.toml:15:1: 'batch' = 5 cannot be split into 'accumulate' = 2 equal parts
[views.noisy.chain[0]] is not valid:
  r.toml:19:32: 'std' must be at least 0.0)");
}

TEST_CASE("sections that are missing or of another kind are told", "[plan][errors]") {
  CHECK_THROWS_WITH(check("kind = \"adapt\"\n[method]\ntype = \"toy\"\n"),
                    Catch::Contains("unknown option 'method'") &&
                        Catch::Contains("needs a [dataset] table with a 'type'") &&
                        Catch::Contains("needs a [backbone] table with a 'type'") &&
                        Catch::Contains("needs a [task] table with a 'type'"));
  CHECK_THROWS_WITH(check("seed = 1\n"),
                    Catch::Contains("needs kind = \"pretrain\", \"adapt\" or \"benchmark\""));
  CHECK_THROWS_WITH(
      check("kind = \"pretain\"\n"),
      Catch::Contains("r.toml:1:8: unknown kind 'pretain'; did you mean 'pretrain'?"));
}

TEST_CASE("a view that the method does not have is told", "[plan][errors]") {
  ToyProgram program;
  auto recipe = ToyProgram::pretrain("", "[views.nosy]\nchain = []");
  CHECK_THROWS_WITH(check_recipe(recipe, program.registries, program.loader, program.out),
                    Catch::Contains("the method has no view 'nosy'; did you mean 'noisy'?"));
}

TEST_CASE("share and count exclude each other", "[plan][errors]") {
  ToyProgram program;
  auto recipe = ToyProgram::adapt("", "[labelled]\nshare = 0.5\ncount = 2");
  CHECK_THROWS_WITH(check_recipe(recipe, program.registries, program.loader, program.out),
                    Catch::Contains("takes 'share' or 'count', not both"));
  recipe = ToyProgram::adapt("", "[labelled]\nshare = 1.5");
  CHECK_THROWS_WITH(check_recipe(recipe, program.registries, program.loader, program.out),
                    Catch::Contains("'share' must be more than 0 and at most 1"));
}

TEST_CASE("the resolved recipe has every default, and keeps where values came from", "[plan]") {
  ToyProgram program;
  const auto resolved = resolve_recipe(
      ToyProgram::pretrain("steps = 7", "[views.noisy]\nchain = [{ type = \"toy\", std = 0.5 }]"),
      program.registries, program.loader);
  const auto at = [&](const std::string& key) -> const OptionValue& {
    for (const auto& option : flatten(resolved))
      if (option.key == key) return *option.value;
    throw std::runtime_error("no " + key);
  };
  CHECK(to_toml(at("loop.steps")) == "7");
  CHECK(to_string(at("loop.steps").where).rfind("toy.toml:", 0) == 0);
  CHECK(to_toml(at("loop.batch")) == "8");
  CHECK(to_string(at("loop.batch").where) == "(default)");
  CHECK(to_toml(at("optimiser.type")) == "\"adam\"");
  CHECK(to_toml(at("backbone.norm")) == "true");
  // its own chain for the one view, the method's for the other
  CHECK(to_toml(at("views.noisy.chain")).find("std = 0.5") != std::string::npos);
  CHECK(to_toml(at("views.clean.chain")) == "[]");

  // and it is a recipe that resolves to itself
  const Recipe again{resolved, "toy.toml", {}};
  CHECK(diff(resolve_recipe(again, program.registries, program.loader), resolved).empty());
}

TEST_CASE("check prints what would be run", "[plan]") {
  ToyProgram program;
  check_recipe(ToyProgram::pretrain("steps = 7"), program.registries, program.loader, program.out);
  // encoder 1 * 3 * 9 + 3, decoder 3 * 3 * 9 + 3, norm 3 + 3 = 120; head 3 + 1
  CHECK(program.out.str() ==
        "toy.toml: a valid recipe of kind pretrain\n"
        "  dataset   toy\n"
        "  backbone  toy, 120 parameters\n"
        "  method    toy, 124 parameters with the backbone's\n"
        "  loop      7 steps of 8, adam, constant, float32\n"
        "  view      noisy\n"
        "  view      clean\n");
}
