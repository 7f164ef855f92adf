#include "slurm.h"

#include "cell_state.h"
#include "covector/core/error.h"
#include "run_folder.h"

#include <cstdlib>

namespace covector {
namespace fs = std::filesystem;
namespace {

/// A word as the shell takes it, whatever is in it.
std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char letter : word) text += letter == '\'' ? "'\\''" : std::string(1, letter);
  return text + "'";
}

/// The names of the cells that are not done, one a line.
std::vector<std::string> names_of(const BenchmarkPlan& plan, bool pretrainings) {
  std::vector<std::string> names;
  for (const auto& cell : plan.cells)
    if (cell.is_pretraining() == pretrainings && state_of(cell).stage != CellStage::done)
      names.push_back(cell.name);
  return names;
}

std::string directive(const std::string& option, const std::string& value) {
  return value.empty() ? "" : "#SBATCH --" + option + "=" + value + "\n";
}

/// @param stem  of the script and of the list of cells beside it
std::string script(const SlurmRequest& request, const std::string& stem, std::size_t cells) {
  const auto folder = fs::absolute(request.output) / "slurm";
  const auto array = "0-" + std::to_string(cells - 1) +
                     (request.throttle > 0 ? "%" + std::to_string(request.throttle) : "");
  auto text =
      "#!/bin/bash\n" + directive("job-name", "covector-" + stem) + directive("array", array) +
      directive("time", request.time) + directive("partition", request.partition) +
      directive("output", quoted((folder / (stem + "-%a.txt")).string())) +
      directive("open-mode", "append") +
      "# The program writes a checkpoint when its time is nearly up.\n" +
      directive("signal", "B:TERM@120") + "\ncd " + quoted(fs::current_path().string()) + "\n";
  if (const auto* path = std::getenv("COVECTOR_PLUGIN_PATH"))
    text += "export COVECTOR_PLUGIN_PATH=" + quoted(path) + "\n";
  text += "cell=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" " +
          quoted((folder / (stem + ".txt")).string()) + ")\nexec";
  for (const auto& word : request.command) text += " " + quoted(word);
  return text + " --threads \"${SLURM_CPUS_PER_TASK:-1}\" --cell \"$cell\"\n";
}

void write_array(const SlurmRequest& request, const std::string& stem,
                 const std::vector<std::string>& names) {
  const auto folder = request.output / "slurm";
  for (const auto* ending : {".sbatch", ".txt"}) fs::remove(folder / (stem + ending));
  if (names.empty()) return;
  std::string lines;
  for (const auto& name : names) lines += name + "\n";
  write_text(folder / (stem + ".txt"), lines);
  write_text(folder / (stem + ".sbatch"), script(request, stem, names.size()));
}

std::string submit_script(bool pretrainings, bool tasks) {
  std::string text =
      "#!/bin/sh\n"
      "# Hands the cells to Slurm. What follows goes to sbatch: sh submit.sh --mem=16G\n"
      "set -e\n"
      "cd \"$(dirname \"$0\")\"\n";
  if (!pretrainings) return text + "sbatch \"$@\" adapt.sbatch\n";
  if (!tasks) return text + "sbatch \"$@\" pretrain.sbatch\n";
  return text +
         "pretrainings=$(sbatch --parsable \"$@\" pretrain.sbatch)\n"
         "echo \"pretrainings: job $pretrainings\"\n"
         "# Not afterok: that one failed is no reason to leave out the tasks of all others.\n"
         "sbatch --dependency=\"afterany:${pretrainings%%;*}\" \"$@\" adapt.sbatch\n";
}

std::string readme(const SlurmRequest& request) {
  const auto folder = fs::absolute(request.output);
  return "# A benchmark as jobs of Slurm\n\n"
         "Submit: `sh " +
         (folder / "slurm/submit.sh").string() +
         " --cpus-per-task=4 --mem=16G` (or what a cell needs, `--gres=gpu:1` for a GPU)\n\n"
         "Watch: `" +
         request.command.front() + " benchmark status " + folder.string() +
         "`\n\n"
         "Look at what there is: `" +
         request.command.front() + " benchmark table " + folder.string() +
         "`\n\n"
         "What a cell printed is in `pretrain-N.txt` and `adapt-N.txt`, N the line of its name in "
         "`pretrain.txt` or `adapt.txt`, from 0. A cell whose time runs out writes a checkpoint: "
         "submit once more, and it goes on from there. To leave out what is done by then, write "
         "these files anew.\n";
}

}  // namespace

fs::path write_slurm(const BenchmarkPlan& plan, const SlurmRequest& request) {
  const auto pretrainings = names_of(plan, true);
  const auto tasks = names_of(plan, false);
  if (pretrainings.empty() && tasks.empty())
    throw Error("every cell in " + request.output.string() + " is done");
  const auto folder = request.output / "slurm";
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw Error("cannot make " + folder.string() + ": " + failure.message());
  write_array(request, "pretrain", pretrainings);
  write_array(request, "adapt", tasks);
  write_text(folder / "submit.sh", submit_script(!pretrainings.empty(), !tasks.empty()));
  write_text(folder / "README.md", readme(request));
  return folder;
}

}  // namespace covector
