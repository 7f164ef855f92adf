#include "support/catch.h"

#include "slurm.h"

#include "core/toy_benchmark.h"
#include "run_folder.h"

using namespace covector;
using namespace covector::testing;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

struct Written {
  ScratchFolder folder;
  fs::path output = folder / "out's";
  BenchmarkPlan plan = plan_benchmark(write_benchmark(folder.path(), "seeds = [0, 1]\n"), output);

  SlurmRequest request() const {
    return {{"/bin/covector", "run", "all.toml", "--set", "name=it's"}, output, "", "", 0};
  }
  std::string text(const std::string& name) const { return text_of(output / "slurm" / name); }
  void finish(const std::string& cell) const {
    fs::create_directories(output / cell);
    write_status(output / cell, {"finished", 0, 0, ""});  // as of what trains nothing
  }
};

}  // namespace

TEST_CASE("scripts for Slurm run one cell a task", "[slurm]") {
  Written written;
  unsetenv("COVECTOR_PLUGIN_PATH");
  auto request = written.request();
  request.time = "12:00:00";
  request.partition = "gpu";
  request.throttle = 3;
  const auto quoted = written.folder.path().string() + "/out'\\''s/slurm";
  CHECK(write_slurm(written.plan, request) == written.output / "slurm");
  CHECK(written.text("pretrain.txt") == "pretrain/none\npretrain/toy\n");
  CHECK(written.text("adapt.txt") ==
        "adapt/none/organs/seed-0\nadapt/none/organs/seed-1\n"
        "adapt/toy/organs/seed-0\nadapt/toy/organs/seed-1\n");
  CHECK(written.text("adapt.sbatch") ==
        "#!/bin/bash\n"
        "#SBATCH --job-name=covector-adapt\n"
        "#SBATCH --array=0-3%3\n"
        "#SBATCH --time=12:00:00\n"
        "#SBATCH --partition=gpu\n"
        "#SBATCH --output='" +
            quoted +
            "/adapt-%a.txt'\n"
            "#SBATCH --open-mode=append\n"
            "# The program writes a checkpoint when its time is nearly up.\n"
            "#SBATCH --signal=B:TERM@120\n"
            "\n"
            "cd '" +
            fs::current_path().string() +
            "'\n"
            "cell=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" '" +
            quoted +
            "/adapt.txt')\n"
            "exec '/bin/covector' 'run' 'all.toml' '--set' 'name=it'\\''s' --threads "
            "\"${SLURM_CPUS_PER_TASK:-1}\" --cell \"$cell\"\n");
  CHECK_THAT(written.text("pretrain.sbatch"), Contains("#SBATCH --array=0-1%3\n"));
  CHECK_THAT(written.text("submit.sh"),
             Contains("pretrainings=$(sbatch --parsable \"$@\" pretrain.sbatch)\n") &&
                 Contains("sbatch --dependency=\"afterany:${pretrainings%%;*}\" \"$@\" "
                          "adapt.sbatch\n"));
  CHECK_THAT(written.text("README.md"),
             Contains("Submit: `sh " + (written.output / "slurm/submit.sh").string()));
}

TEST_CASE("scripts for Slurm leave out what is done", "[slurm]") {
  Written written;
  write_slurm(written.plan, written.request());
  for (const auto* cell : {"pretrain/none", "pretrain/toy", "adapt/none/organs/seed-1"})
    written.finish(cell);
  setenv("COVECTOR_PLUGIN_PATH", "/my plug-ins", 1);
  write_slurm(written.plan, written.request());
  CHECK_FALSE(fs::exists(written.output / "slurm/pretrain.sbatch"));
  CHECK(written.text("adapt.txt") ==
        "adapt/none/organs/seed-0\nadapt/toy/organs/seed-0\nadapt/toy/organs/seed-1\n");
  CHECK_THAT(written.text("adapt.sbatch"),
             Contains("#SBATCH --array=0-2\n") &&
                 Contains("export COVECTOR_PLUGIN_PATH='/my plug-ins'\n"));
  CHECK_THAT(written.text("submit.sh"), Contains("\nsbatch \"$@\" adapt.sbatch\n"));
  unsetenv("COVECTOR_PLUGIN_PATH");

  for (const auto& cell : written.plan.cells) written.finish(cell.name);
  CHECK_THROWS_WITH(write_slurm(written.plan, written.request()),
                    "every cell in " + written.output.string() + " is done");
}
