// What the program does with benchmarks.
#include "benchmark_files.h"
#include "benchmark_run.h"
#include "benchmark_table.h"
#include "cell_choice.h"
#include "cell_cost.h"
#include "cell_state.h"
#include "child_process.h"
#include "program.h"
#include "request.h"
#include "run_folder.h"
#include "slurm.h"
#include "text_table.h"
#include "train_run.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <sstream>

namespace covector::cli {
namespace fs = std::filesystem;
namespace {

using nlohmann::ordered_json;

constexpr const char* kOfBenchmarks[] = {"jobs", "gpus", "only", "skip", "no-estimate", "cell"};

std::vector<int> numbers_in(const std::string& text) {
  std::vector<int> numbers;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (word.empty() || word.size() > 3 ||
        word.find_first_not_of("0123456789") != std::string::npos)
      throw RecipeError("--gpus takes numbers, as in 0,1; got '" + text + "'");
    numbers.push_back(std::stoi(word));
  }
  return numbers;
}

/// This program with words that ask for something of a cell of a benchmark.
Strings command(const Strings& what, const po::variables_map& values, const RunRequest& run) {
  Strings words{this_program().string()};
  words.insert(words.end(), what.begin(), what.end());
  words.push_back(text_of(values, "RECIPE"));
  words.insert(words.end(), {"--output", output_of(run).string()});
  for (const auto& set : list_of(values, "set")) words.insert(words.end(), {"--set", set});
  return words;
}

CellCommand command_for(const Strings& what, const po::variables_map& values,
                        const RunRequest& run) {
  auto words = command(what, values, run);
  return [words](const Cell& cell, const CellShare& share) {
    auto own = words;
    own.insert(own.end(), {"--device", share.device, "--threads", std::to_string(share.threads),
                           "--cell", cell.name});
    return own;
  };
}

/// The benchmark's plan by its folder, or by its recipe and --output.
struct Named {
  BenchmarkPlan plan;
  fs::path output;
};
Named named_by(const po::variables_map& values) {
  const fs::path name = text_of(values, "FOLDER|RECIPE");
  if (fs::is_directory(name)) return {read_plan_file(name), name};
  RunRequest request;
  request.recipe = load_recipe(name, list_of(values, "set"));
  request.output = text_of(values, "output");
  const auto output = output_of(request);
  return {plan_benchmark(request.recipe, output), output};
}

ordered_json to_json(const Cell& cell, const CellState& state) {
  ordered_json json{{"cell", cell.name},
                    {"state", to_string(state.stage)},
                    {"step", state.step},
                    {"steps", state.steps}};
  if (state.owner) {
    json["since"] = utc_text(state.owner->since);
    json["by"] = {{"host", state.owner->host}, {"pid", state.owner->pid}};
  }
  if (!state.reason.empty()) json["reason"] = state.reason;
  return json;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

void print_states(const BenchmarkPlan& plan, const std::vector<CellState>& states,
                  std::ostream& out) {
  TextTable table({"cell", "state", "step", "since", "by", "why"});
  for (std::size_t i = 0; i < states.size(); ++i) {
    const auto& state = states[i];
    table.add({plan.cells[i].name, to_string(state.stage),
               std::to_string(state.step) + "/" + std::to_string(state.steps),
               state.owner ? utc_text(state.owner->since) : "",
               state.owner ? to_string(*state.owner) : "", first_line(state.reason)});
  }
  out << table.text();
  const auto done = std::count_if(states.begin(), states.end(), [](const CellState& state) {
    return state.stage == CellStage::done;
  });
  out << done << " of " << states.size() << " cells done\n";
}

int status_command(const Words& words, std::ostream& out) {
  Syntax syntax{"benchmark status",
                "Shows where each cell of a benchmark stands: done, running, stopped, failed and\n"
                "why, blocked by a pretraining that failed, or not begun.",
                {"FOLDER|RECIPE"}};
  add_set(syntax);
  add_output(syntax);
  add_json(syntax);
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  const auto plan = named_by(*values).plan;
  const auto states = states_of(plan);
  if (!values->count("json")) {
    print_states(plan, states, out);
    return 0;
  }
  auto json = ordered_json::array();
  for (std::size_t i = 0; i < states.size(); ++i) json.push_back(to_json(plan.cells[i], states[i]));
  out << json.dump(2) << '\n';
  return 0;
}

int table_command(const Words& words, std::ostream& out) {
  Syntax syntax{"benchmark table",
                "Prints the table of a benchmark from what its cells have measured by now. Of\n"
                "several benchmarks, the columns stand side by side.",
                {"FOLDER..."}};
  syntax.options.add_options()(
      "format", po::value<std::string>()->default_value("markdown")->value_name("NAME"),
      "markdown, csv, latex, json or html");
  add_json(syntax);
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  const auto format = values->count("json") ? "json" : text_of(*values, "format");
  Program program(out);
  const auto names = list_of(*values, "FOLDER");
  const std::vector<fs::path> folders(names.begin(), names.end());
  for (const auto& folder : folders) update_table(folder, program.registries, program.loader);
  out << (folders.size() == 1 ? table_text(folders.front(), format) : table_text(folders, format));
  return 0;
}

int slurm_command(const Words& words, std::ostream& out) {
  Syntax syntax{"benchmark slurm",
                "Writes sbatch scripts that run the cells of a benchmark that are not done, each\n"
                "as a task of an array, into the folder slurm of the benchmark's.",
                {"RECIPE"}};
  add_set(syntax);
  add_output(syntax);
  const auto text = [] { return po::value<std::string>(); };
  syntax.options.add_options()("array-throttle",
                               po::value<int>()->default_value(0)->value_name("N"),
                               "cells of an array that run at a time; 0: any number")(
      "time", text()->value_name("TIME"), "limit of a cell, as sbatch takes it: 12:00:00")(
      "partition", text()->value_name("NAME"), "partition of the cluster");
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  RunRequest run;
  run.recipe = recipe_of(*values);
  run.output = text_of(*values, "output");
  const auto throttle = (*values)["array-throttle"].as<int>();
  if (throttle < 0) throw RecipeError("--array-throttle must be at least 0");
  const auto output = output_of(run);
  const auto plan = plan_benchmark(run.recipe, output);
  Program program(out);
  std::ostringstream ignored;
  check_benchmark(run.recipe, program.registries, program.loader, ignored);
  write_plan(plan, output);
  const auto folder =
      write_slurm(plan, {command({"run"}, *values, run), output, text_of(*values, "time"),
                         text_of(*values, "partition"), throttle});
  out << "wrote " << folder.string() << "; submit with: sh " << (folder / "submit.sh").string()
      << '\n';
  return 0;
}

int probe_command(const Words& words, std::ostream& out) {
  Syntax syntax{"benchmark probe",
                "Measures what a cell takes, on a few of its steps, cases and a checkpoint, and\n"
                "prints it as JSON. The estimate of a run is made of these.",
                {"RECIPE"}};
  add_set(syntax);
  add_output(syntax);
  add_machine(syntax);
  syntax.options.add_options()("cell", po::value<std::string>()->required()->value_name("NAME"),
                               "as 'covector benchmark status' names it");
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  auto run = request_of(*values);
  const auto plan = plan_benchmark(run.recipe, output_of(run));
  run.output = output_of(run);
  run.recipe = cell_named(plan, text_of(*values, "cell")).recipe;
  Program program(out);
  out << to_json(measure_cost(run, program.registries, program.loader));
  return 0;
}

constexpr BuiltIn kParts[] = {
    {"status", "show where each cell stands", status_command},
    {"table", "print the table", table_command},
    {"slurm", "write scripts that run the cells under Slurm", slurm_command},
    {"probe", "measure what a cell takes", probe_command},
};

}  // namespace

int benchmark_command(const Words& words, std::ostream& out) {
  const auto name = words.empty() ? "--help" : words.front();
  if (name == "--help" || name == "-h") {
    out << "usage: covector benchmark COMMAND [WORD]...\n\nWatches over a benchmark, which "
           "'covector run RECIPE' runs.\n\ncommands:\n";
    for (const auto& part : kParts)
      out << "  " << part.name << std::string(10 - std::string(part.name).size(), ' ')
          << part.summary << '\n';
    return words.empty() ? 2 : 0;
  }
  std::vector<std::string> known;
  for (const auto& part : kParts) {
    if (name == part.name) return part.run({words.begin() + 1, words.end()}, out);
    known.emplace_back(part.name);
  }
  throw RecipeError("covector benchmark: unknown command '" + name + "'" +
                    did_you_mean(name, known));
}

void add_benchmark(Syntax& syntax) {
  syntax.options.add_options()("jobs,j", po::value<int>()->default_value(0)->value_name("N"),
                               "of a benchmark: cells that run at a time, with the threads divided "
                               "among them; 0: one, or one a GPU")(
      "gpus", po::value<std::string>()->value_name("0,1"),
      "of a benchmark: the GPUs that cells are spread over")(
      "only", po::value<Strings>()->composing()->value_name("PATTERN"),
      "of a benchmark: only cells whose names fit, as in 'adapt/cover/*'; may be given again")(
      "skip", po::value<Strings>()->composing()->value_name("PATTERN"),
      "of a benchmark: no cells whose names fit; may be given again")(
      "no-estimate", "of a benchmark: do not measure first what the cells take")(
      "cell", po::value<std::string>()->value_name("NAME"),
      "of a benchmark: run this one cell, in this process");
}

void refuse_benchmark(const po::variables_map& values) {
  for (const auto* name : kOfBenchmarks)
    if (values.count(name) && !values[name].defaulted())
      throw RecipeError("--" + std::string(name) + " is for recipes of kind benchmark, and " +
                        text_of(values, "RECIPE") + " is of another");
}

int run_benchmark_of(const po::variables_map& values, Program& program) {
  const auto run = request_of(values);
  if (values.count("cell"))
    return run_cell(run, text_of(values, "cell"), program.registries, program.loader, program.out);
  BenchmarkRequest request;
  request.run = run;
  request.jobs = values["jobs"].as<int>();
  request.gpus = numbers_in(text_of(values, "gpus"));
  request.only = list_of(values, "only");
  request.skip = list_of(values, "skip");
  request.estimate = values.count("no-estimate") == 0;
  request.cell = command_for(run.quiet ? Strings{"run", "--quiet"} : Strings{"run"}, values, run);
  request.probe = command_for({"benchmark", "probe"}, values, run);
  return run_benchmark(request, program.registries, program.loader, program.out);
}

}  // namespace covector::cli
