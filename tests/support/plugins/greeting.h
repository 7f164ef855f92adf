#pragma once

#include "covector/core/plugin.h"

#include <ostream>

/// The least a plug-in can offer: a command that repeats its arguments.
class Greeting final : public covector::Command {
 public:
  explicit Greeting(const covector::NoOptions&) {}

  std::string help() const override { return "usage: covector greet [NAME]...\n"; }
  int run(const std::vector<std::string>& arguments, std::ostream& out) override {
    out << "hello";
    for (const auto& argument : arguments) out << ' ' << argument;
    out << '\n';
    return static_cast<int>(arguments.size());
  }
};
