#include "support/catch.h"

#include "smoke/slurm_cluster.h"
#include "smoke/smoke_run.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <thread>

using namespace covector::testing;
using Catch::Contains;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// Waits until no job is left.
bool all_end(const SlurmCluster& cluster) {
  for (int i = 0; i < 240; ++i) {
    const auto jobs = cluster.command("squeue", {"--noheader"});
    if (jobs.code == 0 && jobs.output.empty()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return false;
}

}  // namespace

TEST_CASE("Slurm runs a benchmark from the scripts that are written for it", "[smoke][slurm]") {
  std::string reason;
  const auto cluster = SlurmCluster::start(reason);
  if (!cluster) {
    WARN("skipped: " << reason);
    return;
  }
  const ScratchFolder folder;
  const auto output = folder / "run";
  const auto written =
      run_program({"benchmark", "slurm", smoke_recipe("benchmark").string(), "--output",
                   output.string(), "-s", "benchmark.seeds=[0]", "--array-throttle", "2"});
  INFO(written.output << written.error);
  REQUIRE(written.code == 0);
  CHECK_THAT(written.output,
             Contains("submit with: sh " + (output / "slurm/submit.sh").string() + "\n"));
  for (const auto* name : {"pretrain.sbatch", "adapt.sbatch"}) {
    const auto tested =
        cluster->command("sbatch", {"--test-only", (output / "slurm" / name).string()});
    INFO(tested.error);
    CHECK(tested.code == 0);
  }
  const auto submitted = run_process("/bin/sh", {(output / "slurm/submit.sh").string()},
                                     {cluster->environment(), "OMP_NUM_THREADS=1",
                                      "COVECTOR_SMOKE_DATA=" + smoke_images().string()});
  INFO(submitted.output << submitted.error);
  REQUIRE(submitted.code == 0);
  REQUIRE(all_end(*cluster));
  const auto status = run_program({"benchmark", "status", output.string(), "--json"});
  INFO(status.output << status.error);
  const auto cells = json::parse(status.output);
  REQUIRE(cells.size() == 4);
  for (const auto& cell : cells) CHECK(cell["state"] == "done");
  const auto table = run_program({"benchmark", "table", output.string(), "--format", "markdown"});
  INFO(table.output << table.error);
  CHECK(table.code == 0);
  CHECK_THAT(table.output, Contains("| cover |") && Contains("| scratch |"));
}
