#pragma once

#include "archive.h"
#include "weights_file.h"

#include <string>

/// The formats of weights one by one, for weights_file.cpp. They throw std::invalid_argument for
/// content that is not as the format has it, without the file's name.
namespace covector {

WeightsFile read_torch(const Archive& archive);
std::string torch_bytes(const StateDict& tensors);

WeightsFile read_npz(const Archive& archive);

WeightsFile read_safetensors(const std::string& bytes);
std::string safetensors_bytes(const StateDict& tensors);

}  // namespace covector
