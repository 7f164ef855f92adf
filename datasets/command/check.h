#pragma once

#include "findings.h"

namespace covector::data_command {

/// Reads every image of a set that is not open, a few at a time, and draws its splits. Throws
/// DataError where nothing is recognised.
Findings check(datasets::FileDataset& set, const std::string& type, int jobs);

}  // namespace covector::data_command
