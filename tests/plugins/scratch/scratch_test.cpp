#include "support/catch.h"

#include "plugins/small_backbone.h"
#include "scratch.h"

namespace covector::scratch {
namespace {

TEST_CASE("scratch has nothing to train and hands on the backbone as it is", "[scratch]") {
  const auto backbone = std::make_shared<testing::SmallBackbone>(InputSpec{});
  const auto before = backbone->parameters().at(0).clone();
  Scratch method(Options{}, backbone, MethodInput{});

  CHECK(method.views().empty());
  CHECK(method.phases(0, 1).empty());
  CHECK(method.transfers() == Transfer::network);
  REQUIRE(method.named_children().contains("backbone"));
  CHECK(method.parameters().size() == backbone->parameters().size());
  CHECK(torch::equal(backbone->parameters().at(0), before));
}

TEST_CASE("scratch refuses to take a step", "[scratch][errors]") {
  Scratch method(Options{}, std::make_shared<testing::SmallBackbone>(InputSpec{}), MethodInput{});
  Views views;
  CHECK_THROWS_WITH(method.step(views, {"train"}), "method 'scratch' has no phase 'train'");
}

TEST_CASE("scratch has no options", "[scratch][errors]") {
  const OptionTable table{{"type", "scratch"}, {"lr", 0.1}};
  CHECK_THROWS_WITH(schema_of<Options>().parse(table, "method"),
                    Catch::Matchers::Contains("unknown option 'lr'"));
}

}  // namespace
}  // namespace covector::scratch
