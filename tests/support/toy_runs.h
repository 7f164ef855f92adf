#pragma once

#include "run.h"
#include "support/scratch_folder.h"
#include "support/toy_parts.h"

#include <sstream>

namespace covector::testing {

/// A program with the toy parts, and recipes for it.
struct ToyProgram {
  Registries registries;
  PluginLoader loader{registries, {}};

  ToyProgram() { add_toy_parts(registries); }

  /// `sections` follows the toy dataset and backbone; later text may add tables.
  static Recipe recipe(const std::string& kind, const std::string& sections) {
    const auto text = "kind = \"" + kind +
                      "\"\nseed = 3\n[dataset]\ntype = \"toy\"\n[backbone]\ntype = \"toy\"\n" +
                      sections;
    return {parse_toml(text, "toy.toml"), "toy.toml", {"toy.toml"}};
  }
  static Recipe pretrain(const std::string& loop, const std::string& more = "") {
    return recipe("pretrain", "[method]\ntype = \"toy\"\n" + more + "\n[loop]\n" + loop);
  }
  static Recipe adapt(const std::string& loop, const std::string& more = "") {
    return recipe("adapt", "[task]\ntype = \"toy\"\n" + more + "\n[loop]\n" + loop);
  }

  int run(const Recipe& recipe, const std::filesystem::path& folder) {
    return run_recipe({recipe, folder, "cpu", 1, false}, registries, loader, out);
  }

  std::ostringstream out;
};

}  // namespace covector::testing
