#include "support/catch.h"

#include "covector/core/plugin_loader.h"
#include "support/samples.h"
#include "view_chain.h"

#include <torch/types.h>

using namespace covector;

namespace {

/// Adds one drawn number to every pixel of the samples it is applied to.
struct AddOptions {
  double high = 1.0;
  static void describe(Schema<AddOptions>& schema) {
    schema.field("high", &AddOptions::high).doc("largest number").more_than(0.0);
  }
};
class Add final : public Transform {
 public:
  explicit Add(const AddOptions& options) : options_(options) {}
  void apply(View& view, Draws& draws) const override {
    const auto added = draws.uniform(0, options_.high) * draws.applied();
    view.set_image(view.image() + added.view({-1, 1, 1, 1}).to(torch::kFloat32));
  }

 private:
  AddOptions options_;
};

Registries with_add() {
  Registries registries;
  Registrar(registries, {"test", "0", "here"}).add<Transform, Add, AddOptions>("add");
  return registries;
}

Samples zeros(std::int64_t count) {
  return covector::testing::apart(torch::zeros({count, 1, 2, 2}));
}

ViewChains build(Registries& registries, const std::vector<ViewSpec>& specs) {
  PluginLoader loader(registries, {});
  Problems problems;
  ViewChains chains(specs, registries, loader, problems);
  problems.raise();
  return chains;
}

at::Tensor drawn(Views& views, const std::string& name) {
  return views.at(name).image().select(1, 0).select(1, 0).select(1, 0);
}

}  // namespace

TEST_CASE("samples, views, steps and links draw different numbers, again the same each time",
          "[view_chain]") {
  auto registries = with_add();
  const auto chains = build(registries, {{"a", {{{"type", "add"}}, {{"type", "add"}}}, 0},
                                         {"b", {{{"type", "add"}}}, 0}});
  auto views = chains.make({zeros(3)}, 5, 9);
  auto again = chains.make({zeros(3)}, 5, 9);
  auto later = chains.make({zeros(3)}, 5, 10);
  const auto a = drawn(views, "a");
  CHECK(torch::equal(a, drawn(again, "a")));
  CHECK_FALSE(torch::equal(a, drawn(later, "a")));
  CHECK_FALSE(torch::equal(a, drawn(views, "b")));
  CHECK(a[0].item<float>() != a[1].item<float>());
  CHECK(a.max().item<float>() > 1.0F);  // two links added: sums of two draws
}

TEST_CASE("draw = batch shares among samples, shared = true among views", "[view_chain]") {
  auto registries = with_add();
  const OptionTable batch{{"type", "add"}, {"draw", "batch"}};
  const OptionTable shared{{"type", "add"}, {"shared", true}};
  const auto chains = build(registries, {{"a", {batch}, 0},
                                         {"c", {shared}, 0},
                                         {"d", {{{"type", "add"}}, shared}, 0},
                                         {"e", {shared}, 0}});
  auto views = chains.make({zeros(4)}, 1, 0);
  CHECK((drawn(views, "a") == drawn(views, "a")[0]).all().item<bool>());
  CHECK(torch::equal(drawn(views, "c"), drawn(views, "e")));
  CHECK_FALSE((drawn(views, "c") == drawn(views, "c")[0]).all().item<bool>());
}

TEST_CASE("a part of a batch gets the numbers it gets in the whole", "[view_chain]") {
  auto registries = with_add();
  const auto chains = build(registries, {{"a", {{{"type", "add"}, {"probability", 0.5}}}, 0}});
  auto whole = chains.make({zeros(6)}, 2, 3);
  auto tail = chains.make({zeros(2)}, 2, 3, 4);
  CHECK(torch::equal(drawn(whole, "a").slice(0, 4), drawn(tail, "a")));
}

TEST_CASE("a probability decides sample by sample", "[view_chain]") {
  auto registries = with_add();
  const auto chains = build(registries, {{"a", {{{"type", "add"}, {"probability", 0.3}}}, 0}});
  auto views = chains.make({zeros(2000)}, 2, 3);
  const auto share = (drawn(views, "a") > 0).to(torch::kFloat64).mean().item<double>();
  CHECK(std::abs(share - 0.3) < 4 * std::sqrt(0.3 * 0.7 / 2000));  // four standard errors
}

TEST_CASE("a wrong element is reported with its place in the chain", "[view_chain][errors]") {
  auto registries = with_add();
  PluginLoader loader(registries, {});
  Problems problems;
  const ViewChains chains({{"a",
                            {{{"type", "ad"}},
                             {{"type", "add"}, {"hihg", 2.0}},
                             {{"type", "add"}, {"draw", "sampel"}, {"high", -1.0}}},
                            0}},
                          registries, loader, problems);
  CHECK(problems.text() ==
        "[views.a.chain[0]] is not valid:\n"
        "  (default): unknown transform 'ad'; did you mean 'add'?\n"
        "[views.a.chain[1]] is not valid:\n"
        "  (default): unknown option 'hihg'; did you mean 'high'?\n"
        "[views.a.chain[2]] is not valid:\n"
        "  (default): 'draw' must be one of \"sample\", \"batch\"\n"
        "  (default): 'high' must be more than 0.0");
}

TEST_CASE("the resolved chain holds every default", "[view_chain]") {
  auto registries = with_add();
  const auto chains = build(registries, {{"a", {{{"type", "add"}}}, 0}});
  CHECK(to_toml(chains.resolved()) ==
        "{ a = { chain = [{ type = \"add\", high = 1.0, probability = 1.0, draw = \"sample\", "
        "shared = "
        "false }] } }");
}

TEST_CASE("copies of a sample stand side by side, each with its own draws", "[view_chain]") {
  auto registries = with_add();
  const Parts add{{{"type", "add"}}};
  const auto chains = build(registries, {{"a", add, 0, 3}});
  auto source = zeros(4);
  source.positions = {5, 6, 7, 8};
  const std::vector<std::string> ids{"p", "q", "r", "s"};
  const std::vector<std::int64_t> classes{1, 0, 2, 0};
  for (std::size_t n = 0; n < 4; ++n) {
    source.list[n].id = ids[n];
    source.list[n].image_class = classes[n];
  }
  auto views = chains.make({source}, 1, 0);
  auto& view = views.at("a");
  CHECK(view.batch() == 12);
  CHECK(view.ids() ==
        std::vector<std::string>{"p", "p", "p", "q", "q", "q", "r", "r", "r", "s", "s", "s"});
  CHECK(view.positions() == std::vector<std::int64_t>{5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8});
  REQUIRE(view.image_class());
  CHECK(torch::equal(*view.image_class(),
                     torch::tensor({1, 1, 1, 0, 0, 0, 2, 2, 2, 0, 0, 0}, torch::kInt64)));
  const auto all = drawn(views, "a");
  CHECK(std::get<0>(at::_unique(all)).numel() == 12);
  // the second half of the batch, made on its own
  auto half = zeros(2);
  auto parts = chains.make({half}, 1, 0, 2);
  CHECK(torch::equal(drawn(parts, "a"), all.slice(0, 6)));
}

TEST_CASE("a view of one phase is made for that phase alone", "[view_chain]") {
  auto registries = with_add();
  const auto chains =
      build(registries, {{"both", {}}, {"early", {}, 0, 1, "first"}, {"late", {}, 0, 1, "second"}});
  const auto names = [&](const std::vector<std::string>& phases) {
    std::vector<std::string> out;
    for (const auto& item : chains.make({zeros(1)}, 1, 0, 0, phases)) out.push_back(item.first);
    return out;
  };
  CHECK(names({"first"}) == std::vector<std::string>{"both", "early"});
  CHECK(names({"second"}) == std::vector<std::string>{"both", "late"});
  CHECK(names({"first", "second"}) == std::vector<std::string>{"both", "early", "late"});
  CHECK(names({}) == std::vector<std::string>{"both", "early", "late"});
}
