#include "arguments.h"

#include "covector/core/error.h"
#include "covector/core/suggest.h"

#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/value_semantic.hpp>

#include <ostream>

namespace covector::cli {
namespace {

bool is_optional(const std::string& name) {
  return name.starts_with('[');
}
bool takes_all(const std::string& name) {
  return name.ends_with("...");
}

/// "[NAME]" and "IMAGE..." without their marks.
std::string bare(std::string name) {
  if (is_optional(name)) name = name.substr(1, name.size() - 2);
  return takes_all(name) ? name.substr(0, name.size() - 3) : name;
}

std::vector<std::string> option_names(const po::options_description& options) {
  std::vector<std::string> names;
  for (const auto& option : options.options()) names.push_back("--" + option->long_name());
  return names;
}

po::variables_map parse_words(const Syntax& syntax, const po::options_description& shown,
                              const std::vector<std::string>& words) {
  po::options_description all;
  all.add(shown);
  po::positional_options_description order;
  for (const auto& name : syntax.positional) {
    if (takes_all(name))
      all.add_options()(bare(name).c_str(), po::value<std::vector<std::string>>());
    else
      all.add_options()(bare(name).c_str(), po::value<std::string>());
    order.add(bare(name).c_str(), takes_all(name) ? -1 : 1);
  }
  // Guessing from the first letters would change meaning with every option that is added.
  const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  po::variables_map values;
  po::store(po::command_line_parser(words).options(all).positional(order).style(style).run(),
            values);
  if (!values.count("help")) po::notify(values);  // complains about what is missing
  return values;
}

}  // namespace

std::string Syntax::usage() const {
  auto text = "usage: covector " + command;
  for (const auto& name : positional) text += " " + name;
  return text + " [OPTION]...\n";
}

std::optional<po::variables_map> parse(const Syntax& syntax, const std::vector<std::string>& words,
                                       std::ostream& out) {
  po::options_description shown("options");
  for (const auto& option : syntax.options.options()) shown.add(option);
  shown.add_options()("help,h", "print this text");
  const auto refuse = [&](const std::string& what) {
    return RecipeError("covector " + syntax.command + ": " + what + "; see 'covector " +
                       syntax.command + " --help'");
  };
  try {
    auto values = parse_words(syntax, shown, words);
    if (values.count("help")) {
      out << syntax.usage() << '\n' << syntax.summary << "\n\n" << shown;
      return std::nullopt;
    }
    for (const auto& name : syntax.positional)
      if (!is_optional(name) && !values.count(bare(name))) throw refuse(bare(name) + " is missing");
    return values;
  } catch (const po::unknown_option& error) {
    const auto name = error.get_option_name();
    throw refuse("unknown option '" + name + "'" + did_you_mean(name, option_names(shown)));
  } catch (const po::too_many_positional_options_error&) {
    throw refuse("more words than it takes");
  } catch (const po::error& error) {
    throw refuse(error.what());
  }
}

}  // namespace covector::cli
