#include "benchmark.h"

#include "plan.h"

#include <algorithm>
#include <functional>
#include <ostream>

namespace covector {
namespace fs = std::filesystem;

void BenchmarkOptions::describe(Schema<BenchmarkOptions>& schema) {
  schema.summary("Every pretraining against every task, with several seeds.");
  const auto some = [](const std::vector<std::string>& list) { return !list.empty(); };
  schema.field("pretrain", &BenchmarkOptions::pretrain)
      .doc("recipes of kind pretrain, from the folder of this one; the rows of the table")
      .require(some, "at least one recipe");
  schema.field("adapt", &BenchmarkOptions::adapt)
      .doc("recipes of kind adapt; the columns of the table")
      .require(some, "at least one recipe");
  schema.field("backbones", &BenchmarkOptions::backbones)
      .doc(
          "recipes that hold a [backbone], and what else goes with it, and are put on top of every "
          "pretraining and task; each has rows of its own, compared with its own baseline. Empty: "
          "the backbone of each recipe");
  schema.field("seeds", &BenchmarkOptions::seeds)
      .doc("seed of each repetition")
      .at_least(0)
      .require([](const std::vector<std::int64_t>& seeds) { return !seeds.empty(); },
               "at least one seed");
  schema.field("pretraining", &BenchmarkOptions::pretraining)
      .doc(
          "shared: one pretraining, of the first seed, serves all seeds of a task; per-seed: each "
          "has its own")
      .one_of({"shared", "per-seed"});
  schema.field("baseline", &BenchmarkOptions::baseline)
      .doc(
          "the recipe of 'pretrain', without .toml, that the others are compared with, case by "
          "case; empty: none");
  schema.field("published", &BenchmarkOptions::published)
      .doc(
          "a file of values that a paper gives, from the folder of this recipe; they stand beside "
          "the measured ones. Empty: none");
  schema.rule([](const BenchmarkOptions& o) {
    const auto names_it = [&](const std::string& file) {
      return fs::path(file).stem() == o.baseline;
    };
    return o.baseline.empty() || std::any_of(o.pretrain.begin(), o.pretrain.end(), names_it)
               ? std::string()
               : "'baseline' = \"" + o.baseline + "\" is none of the recipes of 'pretrain'";
  });
  schema.rule([](const BenchmarkOptions& o) {
    return o.pretrain.empty() || o.adapt.empty() ? "needs 'pretrain' and 'adapt', lists of recipes"
                                                 : std::string();
  });
}

namespace {

struct BenchmarkSections {
  std::string kind;
  std::string name;
  BenchmarkOptions benchmark;

  static void describe(Schema<BenchmarkSections>& schema) {
    schema.field("kind", &BenchmarkSections::kind);
    schema.field("name", &BenchmarkSections::name);
    schema.field("benchmark", &BenchmarkSections::benchmark);
  }
};

BenchmarkSections read_sections(const Recipe& recipe) {
  Problems problems;
  Schema<BenchmarkSections> schema;
  BenchmarkSections::describe(schema);
  auto table = recipe.table;
  const auto* options = table.find("benchmark");
  const bool is_table = options && options->as_table();
  const auto own = is_table ? *options->as_table() : OptionTable{};
  // Read on its own, so that its section is called [benchmark] and not [.benchmark].
  std::erase_if(table.entries,
                [&](const auto& entry) { return is_table && entry.first == "benchmark"; });
  auto sections = schema.parse(table, "", problems);
  if (is_table)
    sections.benchmark = schema_of<BenchmarkOptions>().parse(own, "benchmark", problems);
  else if (!options)
    problems.add("", recipe.table.where, "needs a [benchmark] table");
  problems.raise();
  return sections;
}

using Named = std::pair<std::string, Recipe>;

/// The recipes of a list by stem, each as `check` wants it.
std::vector<Named> load_all(const Recipe& benchmark, const std::vector<std::string>& files,
                            const std::string& list,
                            const std::function<void(const Recipe&)>& check) {
  std::vector<Named> recipes;
  for (const auto& file : files) {
    auto recipe = load_recipe(benchmark.file.parent_path() / file);
    check(recipe);
    const auto stem = recipe.file.stem().string();
    for (const auto& other : recipes)
      if (other.first == stem)
        throw RecipeError("[benchmark] " + list + ": two recipes are called '" + stem +
                          "', which names their folders; rename one");
    recipes.emplace_back(stem, std::move(recipe));
  }
  return recipes;
}

/// Recipes of the kind that their list is named after.
std::vector<Named> load_kind(const Recipe& benchmark, const std::vector<std::string>& files,
                             const std::string& kind) {
  return load_all(benchmark, files, kind, [&](const Recipe& recipe) {
    if (kind_of(recipe) != kind)
      throw RecipeError("[benchmark] " + kind + ": " + recipe.file.string() + " is of kind " +
                        kind_of(recipe));
  });
}

/// What is put on top of the other recipes, by name; nothing, without a name, where none is given.
std::vector<Named> load_backbones(const Recipe& benchmark, const std::vector<std::string>& files) {
  if (files.empty()) return {{"", {}}};
  return load_all(benchmark, files, "backbones", [](const Recipe& recipe) {
    const auto* backbone = recipe.table.find("backbone");
    if (!backbone || !backbone->as_table())
      throw RecipeError("[benchmark] backbones: " + recipe.file.string() +
                        " has no [backbone] table");
    if (recipe.table.find("kind"))
      throw RecipeError("[benchmark] backbones: " + recipe.file.string() + " is of kind " +
                        kind_of(recipe) +
                        "; needs one without 'kind', to be put on top of all others");
  });
}

Recipe with_backbone(Recipe recipe, const Recipe& backbone) {
  merge(recipe.table, backbone.table);
  return recipe;
}

/// A recipe with a value put in by the benchmark.
void put(OptionTable& table, const std::string& key, OptionValue value) {
  value.where = {"(the benchmark)", 0, 0};
  table.set(key, std::move(value));
}

void raise(const std::vector<std::string>& refusals) {
  std::string text;
  for (const auto& refusal : refusals) text += (text.empty() ? "" : "\n") + refusal;
  if (!text.empty()) throw RecipeError(text);
}

}  // namespace

const Cell* BenchmarkPlan::find(const std::string& name) const {
  const auto hit =
      std::find_if(cells.begin(), cells.end(), [&](const Cell& cell) { return cell.name == name; });
  return hit == cells.end() ? nullptr : &*hit;
}

BenchmarkPlan plan_benchmark(const Recipe& recipe, const fs::path& output) {
  const auto options = read_sections(recipe).benchmark;
  const auto pretrain = load_kind(recipe, options.pretrain, "pretrain");
  const auto adapt = load_kind(recipe, options.adapt, "adapt");
  const auto backbones = load_backbones(recipe, options.backbones);
  const bool shared = options.pretraining == "shared";

  BenchmarkPlan plan{{}, options.baseline, {}, recipe.file};
  if (!options.published.empty())
    plan.published = read_published(recipe.file.parent_path() / options.published);
  const auto seed_folder = [](std::int64_t seed) { return "seed-" + std::to_string(seed); };
  const auto pretrain_name = [&](const std::string& row, const std::string& backbone,
                                 std::int64_t seed) {
    auto name = fs::path("pretrain") / row;
    if (!backbone.empty()) name /= backbone;
    return (shared ? name : name / seed_folder(seed)).string();
  };
  const auto add = [&](Cell cell, const Recipe& backbone) {
    cell.recipe = with_backbone(std::move(cell.recipe), backbone);
    put(cell.recipe.table, "seed", cell.seed);
    cell.folder = output / cell.name;
    plan.cells.push_back(std::move(cell));
  };
  for (const auto& [backbone, on_top] : backbones)
    for (const auto& [row, base] : pretrain)
      for (const auto seed : options.seeds)
        if (!shared || seed == options.seeds.front())
          add({row, backbone, "", seed, base, {}, pretrain_name(row, backbone, seed)}, on_top);
  for (const auto& [backbone, on_top] : backbones)
    for (const auto& item : pretrain)
      for (const auto& [column, base] : adapt)
        for (const auto seed : options.seeds) {
          const auto& row = item.first;
          const auto builds_on = pretrain_name(row, backbone, seed);
          auto own = base;
          OptionTable pretrained;
          put(pretrained, "run", (output / builds_on).string());
          put(own.table, "pretrained", std::move(pretrained));
          const auto name = fs::path("adapt") / row / backbone / column / seed_folder(seed);
          add({row, backbone, column, seed, std::move(own), {}, name.string(), builds_on}, on_top);
        }
  return plan;
}

void check_benchmark(const Recipe& recipe, Registries& registries, PluginLoader& loader,
                     std::ostream& out) {
  const auto options = read_sections(recipe).benchmark;
  // Recipes that extend one file share its problems, and each is told once.
  Problems problems;
  std::vector<std::string> refusals;
  const auto attempt = [&](const auto& act) {
    try {
      act();
    } catch (const RecipeError& error) {
      if (std::find(refusals.begin(), refusals.end(), error.what()) == refusals.end())
        refusals.push_back(error.what());
    }
  };
  std::vector<Named> backbones{{"", {}}};
  attempt([&] { backbones = load_backbones(recipe, options.backbones); });
  std::vector<Recipe> recipes;
  for (const auto& [files, kind] : {std::pair(options.pretrain, std::string("pretrain")),
                                    std::pair(options.adapt, std::string("adapt"))})
    for (const auto& file : files)
      attempt([&, &kind = kind] {
        const auto base = load_kind(recipe, {file}, kind).front().second;
        for (const auto& backbone : backbones) {
          recipes.push_back(with_backbone(base, backbone.second));
          read_plan(recipes.back(), registries, loader, problems);
        }
      });
  if (!problems.empty()) refusals.push_back(problems.text());
  raise(refusals);
  for (const auto& own : recipes) attempt([&] { check_recipe(own, registries, loader, out); });
  raise(refusals);
  out << recipe.file.string() << ": a valid recipe of kind benchmark, "
      << plan_benchmark(recipe, "").cells.size() << " runs\n";
}

OptionTable resolve_benchmark(const Recipe& recipe) {
  const auto sections = read_sections(recipe);
  OptionTable all{{"kind", "benchmark"}};
  if (!sections.name.empty()) all.set("name", sections.name);
  all.set("benchmark", schema_of<BenchmarkOptions>().dump(sections.benchmark));
  return keep_origins(std::move(all), recipe.table);
}

}  // namespace covector
