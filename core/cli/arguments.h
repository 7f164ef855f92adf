#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace covector::cli {

namespace po = boost::program_options;

/// How a command is called.
struct Syntax {
  std::string command;  // "run"
  std::string summary;
  /// Names of what comes without a dash, in order; one that ends in "..." takes all that is left
  /// and one in brackets may be left out.
  std::vector<std::string> positional;
  po::options_description options{"options"};

  std::string usage() const;
};

/// The values given, positional ones as strings under their bare names. Nothing when the words ask
/// for help, which is then printed. Throws RecipeError for what does not fit.
std::optional<po::variables_map> parse(const Syntax& syntax, const std::vector<std::string>& words,
                                       std::ostream& out);

}  // namespace covector::cli
