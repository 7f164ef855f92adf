#pragma once

#include "support/catch.h"
#include "support/scratch_folder.h"

#include <cstdlib>
#include <optional>
#include <string>

namespace covector::testing {

/// The Python that has these modules: COVECTOR_PYTHON, or python3. Nothing where it lacks them,
/// which is then said.
inline std::optional<std::string> python_with(const std::string& modules) {
  const auto* chosen = std::getenv("COVECTOR_PYTHON");
  const std::string python = chosen ? chosen : "python3";
  if (std::system((python + " -c 'import " + modules + "' >/dev/null 2>&1").c_str()) == 0)
    return python;
  WARN("skipped: '" << python << "' lacks one of " << modules
                    << "; COVECTOR_PYTHON names another Python");
  return std::nullopt;
}

/// Runs a script to its end; what it says where it fails.
inline void run_python(const std::string& command, const ScratchFolder& folder) {
  const auto said = (folder / "python.txt").string();
  const auto code = std::system((command + " > " + said + " 2>&1").c_str());
  INFO(text_of(said));
  REQUIRE(code == 0);
}

}  // namespace covector::testing
