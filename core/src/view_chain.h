#pragma once

#include "covector/core/method.h"
#include "covector/core/plugin.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace covector {

class PluginLoader;

/// The views of a step: each a chain of transforms, with the random numbers keyed by (seed, step,
/// sample, view, position in the chain).
class COVECTOR_API ViewChains {
 public:
  /// Builds the transforms, opening the plug-ins that provide them; adds what is wrong to
  /// `problems`, under "views.<name>".
  ViewChains(const std::vector<ViewSpec>& specs, Registries& registries, PluginLoader& loader,
             Problems& problems);

  /// @param images   one list for each image of a sample
  /// @param first    position of the first sample in the step's whole batch: with several processes
  /// or
  ///                 accumulated parts, each handles a stretch of it
  /// @param phases   which phases look at them; views of other phases are left out. Empty: all
  /// views
  Views make(const std::vector<Samples>& images, std::uint64_t seed, std::int64_t step,
             std::int64_t first = 0, const std::vector<std::string>& phases = {}) const;
  /// The chains with every default filled in, for the resolved recipe: { name = [part, ...] }.
  const OptionTable& resolved() const { return resolved_; }

 private:
  struct Link {
    std::shared_ptr<const Transform> transform;
    std::string type;
    double probability;
    bool same_for_batch;
    bool shared;
  };
  struct Chain {
    ViewSpec spec;
    std::vector<Link> links;
  };
  static View make_view(const Chain& chain, const Samples& samples, std::uint64_t seed,
                        std::int64_t step, std::int64_t first);
  std::vector<Chain> chains_;
  OptionTable resolved_;
};

}  // namespace covector
