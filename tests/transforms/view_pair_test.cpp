#include "support/catch.h"

#include "covector/core/schema.h"
#include "covector/transforms/view_pair.h"

using namespace covector;
using namespace covector::transforms;

namespace {

struct Options : ViewPairOptions {
  static void describe(Schema<Options>& schema) { describe_in(schema); }
};

std::vector<std::string> types_of(const Parts& chain) {
  std::vector<std::string> types;
  for (const auto& element : chain) types.push_back(*element.find("type")->as_string());
  return types;
}

}  // namespace

TEST_CASE("a pair of views has the chains it was given and the crops that were asked for",
          "[views]") {
  ViewPairOptions options;
  options.crops = 4;
  auto first = pair_chain(options, {16, 24});
  auto second = first;
  second.gamma_probability = 0;
  const auto views = view_pair(options, first, second);
  REQUIRE(views.size() == 2);
  CHECK(views[0].name == "first");
  CHECK(views[1].name == "second");
  CHECK(views[0].copies == 4);
  CHECK(views[1].copies == 4);
  CHECK(types_of(views[0].chain) ==
        std::vector<std::string>{"random_resized_crop", "flip", "jitter", "gamma", "blur"});
  CHECK(types_of(views[1].chain) ==
        std::vector<std::string>{"random_resized_crop", "flip", "jitter", "blur"});
}

TEST_CASE("what a recipe says of a pair of views is in its chain", "[views]") {
  Options options;
  CHECK(pair_chain(options, {16, 24}).min_share == 0.2);
  CHECK(pair_chain(options, {16, 24}).strength == 0.4);
  options.min_share = 0.08;
  options.strength = 0.8;
  options.quarter_turns = 0.5;
  const auto chain = pair_chain(options, {16, 16, 16});
  CHECK(chain.min_share == 0.08);
  CHECK(chain.strength == 0.8);
  CHECK(chain.quarter_turn_probability == 0.5);
  CHECK(chain.size == std::vector<std::int64_t>{16, 16, 16});

  options = {};
  options.augmentation = "chest_xray";
  CHECK(types_of(chain_of(pair_chain(options, {16, 24}))) ==
        std::vector<std::string>{"affine", "resize", "flip"});
}

TEST_CASE("options that the views of a chest X-ray do not have are refused", "[views][errors]") {
  const auto parse = [](const OptionTable& table) {
    return schema_of<Options>().parse(table, "method");
  };
  CHECK_NOTHROW(parse(OptionTable{{"augmentation", "chest_xray"}}));
  for (const auto* option : {"min_share", "strength", "quarter_turns"})
    CHECK_THROWS_WITH(
        parse(OptionTable{{"augmentation", "chest_xray"}, {option, 0.5}}),
        Catch::Contains("'min_share', 'strength' and 'quarter_turns' change augmentation = "
                        "\"standard\" alone"));
}
