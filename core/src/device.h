#pragma once

#include "covector/core/export.h"

#include <c10/core/Device.h>

#include <string>

namespace covector {

/// The device that "auto", "cpu", "cuda" or "cuda:N" means on this machine. "auto" takes the first
/// GPU when LibTorch's CUDA backend and a GPU are there, else the CPU. The CUDA backend is opened
/// only when it may be needed. Throws RecipeError for another word, and for a GPU that is not
/// there, saying why.
COVECTOR_API c10::Device choose_device(const std::string& name);

/// Sets what makes a run repeatable: threads (0: what the machine has) and deterministic kernels on
/// the CPU.
COVECTOR_API void configure_computing(const c10::Device& device, int threads);

/// The most main memory that this process has held, in MiB.
COVECTOR_API double peak_memory_mib();

/// "cpu: AVX512, 2 threads" or "cuda:0".
COVECTOR_API std::string describe(const c10::Device& device);

}  // namespace covector
