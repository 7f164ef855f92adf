#pragma once

#include "covector/core/export.h"

#include <c10/core/ScalarType.h>

#include <string_view>

namespace covector {

/// A type of numbers and what the formats of weights call it.
struct NumberType {
  at::ScalarType type;
  std::string_view name;         // "float32"
  std::string_view storage;      // of torch.save(): "FloatStorage"
  std::string_view safetensors;  // "F32"
  std::string_view numpy;        // "<f4"; empty where NumPy has none
};

/// The type of that name in one of the formats, null for one that is not known here.
///   find_type(&NumberType::safetensors, "F32")
COVECTOR_API const NumberType* find_type(std::string_view NumberType::*format,
                                         std::string_view name);
/// Null for a type that no format of weights has.
COVECTOR_API const NumberType* find_type(at::ScalarType type);

}  // namespace covector
