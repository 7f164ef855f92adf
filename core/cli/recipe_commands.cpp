// The commands that take a recipe or a run.
#include "bench.h"
#include "json.h"
#include "plan.h"
#include "profile.h"
#include "program.h"
#include "request.h"

#include <ostream>

namespace covector::cli {
namespace {

using nlohmann::ordered_json;

/// One recipe, every default filled in.
OptionTable resolved(Program& program, const Recipe& recipe) {
  return resolve_recipe(recipe, program.registries, program.loader);
}

}  // namespace

int run_command(const Words& words, std::ostream& out) {
  Syntax syntax{"run",
                "Runs a recipe, or goes on with it where it was stopped. A run that is finished\n"
                "says so. Of a benchmark, what is not done is run, each cell in a process of\n"
                "its own.",
                {"RECIPE"}};
  add_set(syntax);
  add_output(syntax);
  add_machine(syntax);
  syntax.options.add_options()("quiet,q", "no progress, only the result");
  add_benchmark(syntax);
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  Program program(out);
  if (kind_of(recipe_of(*values)) == "benchmark") return run_benchmark_of(*values, program);
  refuse_benchmark(*values);
  return run_recipe(request_of(*values), program.registries, program.loader, out);
}

int check_command(const Words& words, std::ostream& out) {
  Syntax syntax{"check",
                "Says all that is wrong with a recipe, or what it would run. Reads no data.",
                {"RECIPE"}};
  add_set(syntax);
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  Program program(out);
  check_recipe(recipe_of(*values), program.registries, program.loader, out);
  return 0;
}

int explain_command(const Words& words, std::ostream& out) {
  Syntax syntax{"explain",
                "Prints a recipe with every default filled in, and where each value came from.",
                {"RECIPE"}};
  add_set(syntax);
  add_json(syntax);
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  Program program(out);
  const auto table = resolved(program, recipe_of(*values));
  if (!values->count("json")) {
    out << to_toml_document(table, true);
    return 0;
  }
  auto json = ordered_json::array();
  for (const auto& option : flatten(table))
    json.push_back({{"key", option.key},
                    {"value", to_json(*option.value)},
                    {"from", to_string(option.value->where)}});
  out << json.dump(2) << '\n';
  return 0;
}

int diff_command(const Words& words, std::ostream& out) {
  Syntax syntax{"diff",
                "Compares two recipes option by option, with every default filled in.",
                {"RECIPE", "OTHER"}};
  add_json(syntax);
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  Program program(out);
  const auto names = std::pair(text_of(*values, "RECIPE"), text_of(*values, "OTHER"));
  const auto differences = diff(resolved(program, load_recipe(names.first)),
                                resolved(program, load_recipe(names.second)));
  if (values->count("json")) {
    auto json = ordered_json::array();
    for (const auto& d : differences)
      json.push_back({{"key", d.key}, {"first", d.first}, {"second", d.second}});
    out << json.dump(2) << '\n';
    return 0;
  }
  if (differences.empty()) {
    out << "The recipes say the same.\n";
    return 0;
  }
  out << "--- " << names.first << "\n+++ " << names.second << '\n';
  for (const auto& d : differences) {
    if (!d.first.empty()) out << "- " << d.key << " = " << d.first << '\n';
    if (!d.second.empty()) out << "+ " << d.key << " = " << d.second << '\n';
  }
  return 0;
}

int bench_command(const Words& words, std::ostream& out) {
  Syntax syntax{"bench",
                "Runs some steps of a recipe and prints where their time went. Leaves no run "
                "folder.",
                {"RECIPE"}};
  add_set(syntax);
  add_machine(syntax);
  add_json(syntax);
  syntax.options.add_options()("steps", po::value<int>()->default_value(20)->value_name("N"),
                               "steps to measure");
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  const auto steps = (*values)["steps"].as<int>();
  if (steps < 1) throw RecipeError("--steps must be at least 1");
  Program program(out);
  const auto profile = bench_recipe(request_of(*values), steps, program.registries, program.loader);
  out << (values->count("json") ? to_json(profile).dump(2) + "\n" : to_text(profile));
  return 0;
}

int predict_command(const Words& words, std::ostream& out) {
  Syntax syntax{"predict",
                "Applies the network of a finished run of kind adapt to images.",
                {"RUN", "IMAGE..."}};
  syntax.options.add_options()("output,o", po::value<std::string>()->required()->value_name("DIR"),
                               "folder for the results")(
      "device", po::value<std::string>()->default_value("auto")->value_name("NAME"),
      "cpu, cuda or cuda:N; auto takes a GPU where there is one");
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  std::vector<std::filesystem::path> images;
  for (const auto& image : list_of(*values, "IMAGE")) images.emplace_back(image);
  Program program(out);
  return predict_run(text_of(*values, "RUN"), images, text_of(*values, "output"),
                     text_of(*values, "device"), program.registries, program.loader, out);
}

}  // namespace covector::cli
