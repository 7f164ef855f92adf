#include "arguments.h"

#include "covector/core/error.h"
#include "covector/core/suggest.h"

#include <boost/program_options.hpp>

#include <algorithm>
#include <map>
#include <thread>

namespace covector::data_command {
namespace {

namespace po = boost::program_options;

const std::map<std::string, std::vector<std::string>>& options_of_actions() {
  static const std::map<std::string, std::vector<std::string>> kOptions{
      {"inspect", {"json"}},
      {"check", {"recipe", "set", "jobs", "json"}},
      {"prepare", {"recipe", "set", "jobs"}},
      {"split", {"recipe", "set"}}};
  return kOptions;
}

po::options_description described(Request& request) {
  po::options_description options;
  options.add_options()("recipe", po::value(&request.recipe))(
      "set,s", po::value(&request.set)->composing())("jobs,j", po::value(&request.jobs))(
      "json", po::bool_switch(&request.json))("help,h", po::bool_switch(&request.help));
  return options;
}

[[noreturn]] void refuse(const std::string& what) {
  throw RecipeError("data" + what + "; see covector data --help");
}

void check_options(const Request& request, const po::variables_map& values) {
  const auto action = options_of_actions().find(request.action);
  if (action == options_of_actions().end())
    refuse(": expected check, inspect, prepare or split" +
           (request.action.empty() ? std::string() : ", got '" + request.action + "'"));
  for (const auto& [name, value] : values) {
    const auto& known = action->second;
    const bool own = name == "word" || name == "help" ||
                     std::find(known.begin(), known.end(), name) != known.end();
    if (!own && !value.defaulted()) refuse(" " + request.action + ": takes no --" + name);
  }
  if (values.count("jobs") && request.jobs < 1)
    refuse(" " + request.action + ": --jobs must be at least 1");
}

}  // namespace

Request parse(const std::vector<std::string>& arguments) {
  Request request;
  auto options = described(request);
  options.add_options()("word", po::value(&request.words));
  const auto order = po::positional_options_description().add("word", -1);
  const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  po::variables_map values;
  try {
    po::store(
        po::command_line_parser(arguments).options(options).positional(order).style(style).run(),
        values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    refuse(
        ": unknown option '" + error.get_option_name() + "'" +
        did_you_mean(error.get_option_name(), {"--recipe", "--set", "--jobs", "--json", "--help"}));
  } catch (const po::error& error) {
    refuse(std::string(": ") + error.what());
  }
  if (request.help) return request;
  if (!request.words.empty()) {
    request.action = request.words.front();
    request.words.erase(request.words.begin());
  }
  check_options(request, values);
  if (request.jobs == 0)
    request.jobs = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return request;
}

}  // namespace covector::data_command
