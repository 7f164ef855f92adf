#pragma once

#include "covector/core/export.h"

#include <iosfwd>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace covector {

/// A sub-command of the program that a plug-in adds, like `covector report`.
class COVECTOR_API Command {
 public:
  static constexpr std::string_view kind = "command";
  using CreateArgs = std::tuple<>;
  virtual ~Command();
  /// Text of `covector NAME --help`.
  virtual std::string help() const = 0;
  /// @param arguments  what follows the command's name
  /// @returns          the exit code; errors are thrown as covector::Error
  virtual int run(const std::vector<std::string>& arguments, std::ostream& out) = 0;
};

}  // namespace covector
