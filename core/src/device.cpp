#include "device.h"

#include "covector/core/error.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/cuda.h>

#include <dlfcn.h>
#include <sys/resource.h>

#include <filesystem>
#include <regex>

namespace covector {
namespace {

/// Opens LibTorch's CUDA backend, which registers itself. Must come before the first question about
/// CUDA, whose answer LibTorch keeps. @returns why there is none; empty when there is
std::string open_cuda_backend() {
  Dl_info library{};
  dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &library);
  const auto file =
      std::filesystem::path(library.dli_fname ? library.dli_fname : "").parent_path() /
      "libtorch_cuda.so";
  if (!std::filesystem::exists(file))
    return "this LibTorch has no CUDA backend (" + file.string() + ")";
  if (!dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL)) return dlerror();
  return {};
}

}  // namespace

c10::Device choose_device(const std::string& name) {
  if (name == "cpu") return c10::kCPU;
  std::smatch match;
  static const std::regex cuda("cuda(:([0-9]{1,3}))?");
  if (name != "auto" && !std::regex_match(name, match, cuda))
    throw RecipeError("--device: '" + name + "' is not one of auto, cpu, cuda, cuda:N");
  if (name == "auto" && !std::filesystem::exists("/dev/nvidia0")) return c10::kCPU;

  const auto problem = open_cuda_backend();
  const auto count = problem.empty() ? static_cast<int>(torch::cuda::device_count()) : 0;
  if (name == "auto") return count > 0 ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
  const auto index = match[2].matched ? std::stoi(match[2]) : 0;
  if (index < count) return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
  throw RecipeError(
      "--device " + name + ": " +
      (!problem.empty() ? problem : "this machine shows " + std::to_string(count) + " GPUs") +
      "; use --device cpu, or auto to take what there is");
}

void configure_computing(const c10::Device& device, int threads) {
  if (threads > 0) at::set_num_threads(threads);
  // On CUDA some backward passes have no deterministic kernel, so only the CPU promises it. Filling
  // fresh memory, which comes with it by default, costs time and guards against nothing here.
  at::globalContext().setDeterministicAlgorithms(device.is_cpu(), false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

double peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

std::string describe(const c10::Device& device) {
  if (!device.is_cpu()) return device.str();
  return "cpu: " + at::get_cpu_capability() + ", " + std::to_string(at::get_num_threads()) +
         " threads";
}

}  // namespace covector
