#include "support/catch.h"

#include "smoke/slurm_cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace covector::testing {
namespace fs = std::filesystem;
namespace {

using namespace std::chrono_literals;

fs::path find_program(const std::string& name) {
  for (const auto* folder : {"/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"})
    if (fs::exists(fs::path(folder) / name)) return fs::path(folder) / name;
  return {};
}

/// A port of this machine that nobody listens on.
int free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(listener);
  return ntohs(address.sin_port);
}

/// The name of this machine up to its first point, as Slurm has it.
std::string host_name() {
  char name[256] = {};
  REQUIRE(gethostname(name, sizeof name - 1) == 0);
  const std::string whole = name;
  return whole.substr(0, whole.find('.'));
}

bool comes_up(const SlurmCluster& cluster) {
  for (int i = 0; i < 100; ++i) {
    const auto nodes = cluster.command("sinfo", {"--noheader", "--format=%T"});
    if (nodes.code == 0 && nodes.output == "idle\n") return true;
    std::this_thread::sleep_for(200ms);
  }
  return false;
}

}  // namespace

SlurmCluster::SlurmCluster() {
  write_configuration();
  const auto file = [&](const std::string& name) { return (*folder_ / name).string(); };
  start_daemon("munged", {"--foreground", "--force", "--key-file=" + file("munge.key"),
                          "--socket=" + file("munge.socket"), "--pid-file=" + file("munge.pid"),
                          "--log-file=" + file("munge.log"), "--seed-file=" + file("munge.seed")});
  for (int i = 0; i < 50 && !fs::exists(*folder_ / "munge.socket"); ++i)
    std::this_thread::sleep_for(100ms);
  start_daemon("slurmctld", {"-D", "-f", file("slurm.conf")});
  start_daemon("slurmd", {"-D", "-f", file("slurm.conf")});
}

void SlurmCluster::write_configuration() const {
  // munged takes its socket's folder only where everybody may enter it, the key only where no other
  // may read it.
  fs::permissions(folder_->path(), fs::perms(0755));
  fs::permissions(folder_->write("munge.key", std::string(64, 'k')), fs::perms(0600));
  for (const auto* name : {"state", "spool"}) fs::create_directories(*folder_ / name);
  const auto host = host_name();
  const auto folder = folder_->path().string();
  folder_->write(
      "slurm.conf",
      "ClusterName=test\nSlurmctldHost=" + host + "(127.0.0.1)\nSlurmUser=root\n" +
          "AuthInfo=socket=" + folder + "/munge.socket\nStateSaveLocation=" + folder +
          "/state\nSlurmdSpoolDir=" + folder + "/spool\nSlurmctldPidFile=" + folder +
          "/slurmctld.pid\nSlurmdPidFile=" + folder + "/slurmd.pid\nSlurmctldLogFile=" + folder +
          "/slurmctld.log\nSlurmdLogFile=" + folder + "/slurmd.log\nSlurmctldPort=" +
          std::to_string(free_port()) + "\nSlurmdPort=" + std::to_string(free_port()) +
          "\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n"
          "SelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\nMpiDefault=none\n"
          "SchedulerParameters=sched_interval=1,bf_interval=1\nMinJobAge=300\n"
          "NodeName=" +
          host + " NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN\nPartitionName=all Nodes=" + host +
          " Default=YES MaxTime=INFINITE State=UP\n");
}

void SlurmCluster::start_daemon(const std::string& program, const std::vector<std::string>& words) {
  daemons_.emplace_back(find_program(program), words, std::vector{environment()});
}

Finished SlurmCluster::command(const std::string& program,
                               const std::vector<std::string>& words) const {
  return run_process(find_program(program), words, {environment()});
}

std::optional<SlurmCluster> SlurmCluster::start(std::string& reason) {
  for (const auto* program : {"munged", "slurmctld", "slurmd", "sbatch", "sinfo", "squeue"})
    if (find_program(program).empty()) {
      reason = std::string(program) + " is not installed (packages slurm-wlm and munge)";
      return std::nullopt;
    }
  if (geteuid() != 0) {
    reason = "Slurm's daemons want to be started by root";
    return std::nullopt;
  }
  SlurmCluster cluster;
  if (comes_up(cluster)) return cluster;
  reason =
      "the node does not come up; slurmctld says: " + text_of(*cluster.folder_ / "slurmctld.log");
  return std::nullopt;
}

}  // namespace covector::testing
