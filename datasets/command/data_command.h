#pragma once

#include "covector/core/command.h"
#include "covector/core/schema.h"

#include <string>
#include <vector>

namespace covector::data_command {

struct Options {
  static void describe(Schema<Options>& schema);
};

/// `covector data`: what image files and sets of them hold.
class DataCommand final : public Command {
 public:
  explicit DataCommand(const Options&) {}
  std::string help() const override;
  int run(const std::vector<std::string>& arguments, std::ostream& out) override;
};

}  // namespace covector::data_command
