#pragma once

#include "datasets/files.h"

#include "data_command.h"

#include "covector/datasets/image.h"

#include <torch/types.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace covector::testing {

/// Exit code and text of `covector data`.
inline std::pair<int, std::string> run_data(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  data_command::DataCommand command({});
  const auto code = command.run(arguments, out);
  return {code, out.str()};
}

/// images/NAME.png of 4 x 6 pixels, `first` and the 23 numbers that follow, and masks/NAME.png,
/// whose first `foreground` pixels are 1.
inline void write_case(const TemporaryFolder& folder, const std::string& name, int first,
                       int foreground) {
  std::filesystem::create_directories(folder / "images");
  std::filesystem::create_directories(folder / "masks");
  const auto numbers = torch::arange(24, torch::kInt64).view({1, 4, 6});
  datasets::write_png((numbers + first).to(torch::kUInt8), folder / ("images/" + name + ".png"));
  datasets::write_png((numbers < foreground).to(torch::kUInt8),
                      folder / ("masks/" + name + ".png"));
}

/// Ten images of five patients.
inline void write_set(const TemporaryFolder& folder) {
  for (int i = 0; i < 10; ++i)
    write_case(folder, "p" + std::to_string(i / 2) + "_" + std::to_string(i), 10 * i, i);
}

/// A recipe of it, with more of [dataset].
inline std::string write_recipe(const TemporaryFolder& folder, const std::string& more = "") {
  const auto path = (folder / "set.toml").string();
  write_file(path, "[dataset]\ntype = \"image_folder\"\nroot = \"" + folder.path().string() +
                       "\"\nimages = \"images\"\nmasks = \"masks\"\npatient_pattern = "
                       "\"(p[0-9]+)_\"\nlabels.groups = [{ name = \"left\", values = [1] }]\n"
                       "split.fractions = [0.6, 0.2, 0.2]\n" +
                       more);
  return path;
}

}  // namespace covector::testing
