#include "report.h"

#include "collection.h"
#include "html.h"
#include "page.h"

#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <ostream>
#include <sstream>

namespace covector::report {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr std::string_view kMark = "content=\"covector report\"";

struct Request {
  std::vector<std::string> runs;
  std::string output;
  bool json = false;
  bool help = false;
};

po::options_description described(Request& request) {
  po::options_description options("options");
  options.add_options()("output,o", po::value(&request.output)->value_name("FILE"),
                        "the page; with one RUN its own report.html by default")(
      "json", po::bool_switch(&request.json), "tell what was written as JSON")(
      "help,h", po::bool_switch(&request.help), "print this text");
  return options;
}

Request parse(const std::vector<std::string>& arguments) {
  Request request;
  auto all = described(request);
  all.add_options()("run", po::value(&request.runs));
  const auto order = po::positional_options_description().add("run", -1);
  const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  const auto refuse = [](const std::string& what) {
    return RecipeError("covector report: " + what + "; see 'covector report --help'");
  };
  try {
    po::variables_map values;
    po::store(po::command_line_parser(arguments).options(all).positional(order).style(style).run(),
              values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    throw refuse("unknown option '" + error.get_option_name() + "'" +
                 did_you_mean(error.get_option_name(), {"--output", "--json", "--help"}));
  } catch (const po::error& error) {
    throw refuse(error.what());
  }
  if (request.help) return request;
  if (request.runs.empty()) throw refuse("RUN is missing");
  if (request.runs.size() > 1 && request.output.empty())
    throw refuse("several runs need --output FILE.html, the page they go on");
  if (request.output.empty()) request.output = (fs::path(request.runs[0]) / "report.html").string();
  return request;
}

/// Replaces a report, and nothing else. A crash leaves the old page or the new one.
void write_page(const fs::path& file, const std::string& html) {
  if (fs::exists(file)) {
    std::ifstream old(file, std::ios::binary);
    std::string head(1024, '\0');
    old.read(head.data(), static_cast<std::streamsize>(head.size()));
    if (head.find(kMark) == std::string::npos)
      throw RecipeError("covector report: " + file.string() +
                        " exists and is no report; choose another file with --output");
  }
  const auto temporary = file.string() + ".new";
  errno = 0;
  std::ofstream out(temporary, std::ios::binary);
  out << html;
  out.close();
  if (!out) throw Error("cannot write " + file.string() + ": " + std::strerror(errno));
  fs::rename(temporary, file);
}

std::vector<std::string> problems_of(const Collection& all) {
  auto problems = all.problems;
  for (const auto* runs : {&all.pretrain, &all.adapt})
    for (const auto& placed : *runs)
      for (const auto& problem : placed.run.problems)
        problems.push_back(placed.name + ": " + problem);
  return problems;
}

void tell(const Request& request, const Collection& all, std::size_t bytes, std::ostream& out) {
  const auto problems = problems_of(all);
  if (request.json) {
    out << nlohmann::ordered_json{{"report", request.output},
                                  {"bytes", bytes},
                                  {"pretrain_runs", all.pretrain.size()},
                                  {"adapt_runs", all.adapt.size()},
                                  {"problems", problems}}
               .dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
        << '\n';
    return;
  }
  out << "report of " << counted(all.pretrain.size() + all.adapt.size(), "run") << ": "
      << request.output << '\n';
  for (const auto& problem : problems) out << "  not complete: " << problem << '\n';
}

}  // namespace

void Options::describe(Schema<Options>& schema) {
  schema.summary("Makes one HTML page of runs, which works offline.");
}

std::string Report::help() const {
  Request request;
  std::ostringstream text;
  text << "usage: covector report RUN... [OPTION]...\n\n"
          "Makes one HTML page of runs, which works offline. RUN is the folder of a pretrain or an "
          "adapt\nrun, or of a benchmark, of which every run is shown. What is missing or "
          "unfinished is said on the\npage.\n\n"
       << described(request);
  return text.str();
}

int Report::run(const std::vector<std::string>& arguments, std::ostream& out) {
  const auto request = parse(arguments);
  if (request.help) {
    out << help();
    return 0;
  }
  std::vector<fs::path> folders(request.runs.begin(), request.runs.end());
  const auto all = collect(folders);
  const auto html = page(all);
  write_page(request.output, html);
  tell(request, all, html.size(), out);
  return 0;
}

}  // namespace covector::report
