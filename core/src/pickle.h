#pragma once

#include "covector/core/export.h"

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace covector {

/// A tensor as torch.save() describes it: a window on a row of numbers that is stored elsewhere.
struct PickledTensor {
  std::string storage;  // the archive's member data/STORAGE
  at::ScalarType type{};
  std::int64_t stored = 0;  // numbers in the storage
  std::int64_t offset = 0;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
};

/// What a dict holds, and the dicts in it.
struct PickledDict {
  struct Entry {
    std::string path;  // keys of the dicts around it, each with a '.' behind: "state_dict."
    std::string name;
    PickledTensor tensor;
  };
  std::vector<Entry> tensors;
  std::vector<std::string> others;  // what is no tensor: "epoch: a number", "args: 12 entries"
};

/// Reads the pickle of a torch.save() that holds dicts of tensors: plain ones, those that
/// state_dict() gives, and such in other dicts, with numbers and texts among them.
///
/// A pickle is a program, which Python runs. This reads the instructions that make data and no
/// others: a name of anything but a dict or a tensor is an error, nothing is called. Windows are
/// checked to lie in their storage.
/// Throws std::invalid_argument for other pickles and for damaged ones.
COVECTOR_API PickledDict read_pickle(std::string_view bytes);

}  // namespace covector
