#pragma once

#include <string>
#include <vector>

namespace covector::data_command {

/// What follows `covector data`, taken apart.
struct Request {
  std::string action;  // "inspect", "check", ...
  std::vector<std::string> words;
  std::string recipe;
  std::vector<std::string> set;
  int jobs = 0;
  bool json = false;
  bool help = false;
};

/// Throws RecipeError for an option that the action does not take.
Request parse(const std::vector<std::string>& arguments);

}  // namespace covector::data_command
