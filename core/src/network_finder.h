#pragma once

#include "transfer.h"
#include "weights_file.h"

#include <optional>
#include <string>

namespace covector {

/// A network's tensors as they stand in a file, without what wrappers put before their names:
/// DistributedDataParallel's "module.", the name of a model around it, dicts around a state dict.
///
/// Which words those are follows from the names of the network, `own`: those before which most of
/// them stand. What stands beside a network's tensors keeps its name, less the words it shares with
/// them. Dicts that hold none of them, such as an optimiser's, are ignored. A file with none of the
/// network's names is taken as it is, if it has one dict.
/// @param prefix  these words, "teacher.backbone.", instead
/// @param report  hears what was taken off and what ignored
/// Throws DataError when two words fit as well, or none do.
COVECTOR_API StateDict find_network(const WeightsFile& file, const StateDict& own,
                                    const std::optional<std::string>& prefix, LoadReport& report);

}  // namespace covector
