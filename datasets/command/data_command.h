#pragma once

#include "covector/core/command.h"
#include "covector/core/plugin.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::data_command {

/// `covector data`: what image files hold.
class DataCommand final : public Command {
 public:
  explicit DataCommand(const NoOptions&) {}
  std::string help() const override;
  int run(const std::vector<std::string>& arguments, std::ostream& out) override;
};

}  // namespace covector::data_command
