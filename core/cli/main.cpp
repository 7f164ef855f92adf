#include "program.h"

#include <c10/util/Exception.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <new>

namespace covector::cli {
namespace {

constexpr std::array kBuiltIns{
    BuiltIn{"run", "run a recipe, or go on with it where it was stopped", run_command},
    BuiltIn{"benchmark", "show how a benchmark stands, its table, or write jobs for Slurm",
            benchmark_command},
    BuiltIn{"check", "say all that is wrong with a recipe, before any data is read", check_command},
    BuiltIn{"explain", "show each value of a recipe and where it came from", explain_command},
    BuiltIn{"diff", "compare two recipes", diff_command},
    BuiltIn{"plugins", "list what plug-ins provide, with options and defaults", plugins_command},
    BuiltIn{"predict", "apply the network of a finished run to images", predict_command},
    BuiltIn{"analyse", "look into finished runs, for the report", analyse_command},
    BuiltIn{"import", "bring weights from PyTorch into a checkpoint", import_command},
    BuiltIn{"export", "write the network of a run for PyTorch", export_command},
    BuiltIn{"bench", "measure the speed of a recipe", bench_command},
};

const BuiltIn* built_in(const std::string& name) {
  const auto hit = std::find_if(kBuiltIns.begin(), kBuiltIns.end(),
                                [&](const BuiltIn& command) { return name == command.name; });
  return hit == kBuiltIns.end() ? nullptr : hit;
}

/// The commands of plug-ins, from their manifests.
std::vector<Provided> plugin_commands(PluginLoader& loader) {
  std::vector<Provided> commands;
  for (const auto& plugin : loader.found())
    for (const auto& item : plugin.provides) {
      if (item.kind != Command::kind) continue;
      if (built_in(item.name))
        throw PluginError("plug-in '" + plugin.name + "' (" + plugin.file.string() +
                          ") provides the command '" + item.name +
                          "', which the program has itself");
      commands.push_back(item);
    }
  return commands;
}

void print_row(std::ostream& out, const std::string& name, const std::string& summary) {
  out << "  " << name << std::string(name.size() < 10 ? 10 - name.size() : 1, ' ') << summary
      << '\n';
}

void print_help(std::ostream& out) {
  out << "usage: covector COMMAND [WORD]...\n\n"
         "Pretrains pixel-wise medical-image networks without labels, and measures what that was\n"
         "worth.\n\ncommands:\n";
  for (const auto& command : kBuiltIns) print_row(out, command.name, command.summary);
  try {
    Program program(out);
    const auto commands = plugin_commands(program.loader);
    if (!commands.empty()) out << "\ncommands of plug-ins:\n";
    for (const auto& command : commands) print_row(out, command.name, command.summary);
  } catch (const PluginError& error) {  // help is wanted most where something is wrong
    out << "\nThe commands of plug-ins are not known: " << error.what() << '\n';
  }
  out << "\n'covector COMMAND --help' says more about a command.\n\n"
         "environment:\n"
         "  COVECTOR_PLUGIN_PATH  folders of further plug-ins, separated by ':'\n"
         "  COVECTOR_MALLOC       'system' leaves the allocator as the system has it\n\n"
         "exit codes: 0 done, 1 failed, 2 recipe or usage, 3 plug-in, 4 data, 5 the run folder is "
         "in\n"
         "use by another process, 130 or 143 interrupted after writing a checkpoint\n";
}

int run_plugin_command(const std::string& name, const Words& words, std::ostream& out) {
  Program program(out);
  std::vector<std::string> known;
  for (const auto& command : kBuiltIns) known.emplace_back(command.name);
  for (const auto& command : plugin_commands(program.loader)) known.push_back(command.name);
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw RecipeError("unknown command '" + name + "'" + did_you_mean(name, known));
  program.loader.provide(Command::kind, name);
  const auto command = program.registries.of<Command>().create(OptionTable{{"type", name}}, name);
  const auto asks_help = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word == "--help" || word == "-h";
  });
  if (!asks_help) return command->run(words, out);
  out << command->help();
  return 0;
}

int dispatch(const Words& words, std::ostream& out) {
  if (words.empty()) {
    print_help(std::cerr);
    return 2;
  }
  const auto& name = words.front();
  if (name == "--help" || name == "-h") {
    print_help(out);
    return 0;
  }
  if (name == "--version") {
    out << "covector " COVECTOR_VERSION " (plug-in API " << kPluginApiVersion
        << "; " COVECTOR_BUILD_ID ")\n";
    return 0;
  }
  if (name.starts_with('-'))
    throw RecipeError("unknown option '" + name + "'" +
                      did_you_mean(name, {"--help", "--version"}));
  const Words rest(words.begin() + 1, words.end());
  const auto* command = built_in(name);
  return command ? command->run(rest, out) : run_plugin_command(name, rest, out);
}

/// The large temporaries of a step would be mapped, faulted in and given back each time, which
/// costs more than many of the computations; so memory once taken is kept.
void keep_freed_memory() {
  const char* choice = std::getenv("COVECTOR_MALLOC");
  const std::string word = choice ? choice : "";
  if (word == "system") return;
  if (!word.empty())
    throw RecipeError("COVECTOR_MALLOC must be 'system' or not set, got '" + word + "'");
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

int report(const std::string& what, int code) {
  std::cout.flush();
  std::cerr << "covector: error: " << what << '\n';
  return code;
}

int guarded(const Words& words) {
  try {
    keep_freed_memory();
    const auto code = dispatch(words, std::cout);
    if (!std::cout.flush()) return report("cannot write to the standard output", 1);
    return code;
  } catch (const Error& error) {
    return report(error.what(), error.code());
  } catch (const c10::Error& error) {
    return report(error.what_without_backtrace(), 1);
  } catch (const std::bad_alloc&) {
    return report("out of memory; a smaller batch, crop or cache needs less", 1);
  } catch (const std::exception& error) {
    return report(error.what(), 1);
  }
}

}  // namespace
}  // namespace covector::cli

int main(int count, char** words) {
  return covector::cli::guarded({words + 1, words + count});
}
