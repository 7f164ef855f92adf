// The command that looks at runs and networks.
#include "analysis/analyses.h"
#include "arguments.h"
#include "device.h"
#include "program.h"
#include "request.h"

namespace covector::cli {

int analyse_command(const Words& words, std::ostream& out) {
  Syntax syntax{
      "analyse",
      "Analyses finished runs and writes analysis/NAME.json for the report. FOLDER is a run or a\n"
      "benchmark. NAME is one of\n"
      "  tsne         pixel features of pretrained networks in the plane, by label\n"
      "  dispersion   how far neighbouring features lie apart, within labels and across\n"
      "  test-retest  correlation of the scores of cases between seeds\n"
      "  pictures     what each method sees and predicts, of COVER the view warped level by level\n"
      "  convergence  curves of both phases of a benchmark",
      {"NAME", "FOLDER..."}};
  syntax.options.add_options()("output,o", po::value<std::string>()->value_name("DIR"),
                               "the folder that gets analysis/; FOLDER where there is one")(
      "data", po::value<std::string>()->value_name("RECIPE"),
      "a recipe, or recipe.toml of a run, whose [dataset] has labels; of use for tsne and "
      "dispersion. The first run's own unless given")(
      "images", po::value<std::int64_t>()->default_value(8)->value_name("N"),
      "labelled images to look at")(
      "pixels", po::value<std::int64_t>()->default_value(1000)->value_name("N"),
      "pixels of a t-SNE map; its time and memory grow with the square")(
      "perplexity", po::value<double>()->default_value(30)->value_name("P"),
      "neighbours that a pixel has in a t-SNE map")(
      "threads", po::value<int>()->default_value(0)->value_name("N"),
      "threads that compute; 0: one a processor");
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  analysis::Request request;
  request.name = text_of(*values, "NAME");
  for (const auto& folder : list_of(*values, "FOLDER")) request.folders.emplace_back(folder);
  request.output = text_of(*values, "output");
  request.data = text_of(*values, "data");
  request.images = (*values)["images"].as<std::int64_t>();
  request.pixels = (*values)["pixels"].as<std::int64_t>();
  request.perplexity = (*values)["perplexity"].as<double>();
  configure_computing(c10::kCPU, (*values)["threads"].as<int>());
  Program program(out);
  return analysis::analyse(request, program.registries, program.loader, out);
}

}  // namespace covector::cli
