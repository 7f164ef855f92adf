#pragma once

#include "covector/core/command.h"
#include "covector/core/schema.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace covector::report {

struct Options {
  static void describe(Schema<Options>& schema);
};

/// `covector report RUN... [--output FILE.html] [--json]`
class Report final : public Command {
 public:
  explicit Report(const Options&) {}
  std::string help() const override;
  int run(const std::vector<std::string>& arguments, std::ostream& out) override;
};

}  // namespace covector::report
