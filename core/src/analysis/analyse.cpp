#include "analysis/analyses.h"

#include "covector/core/error.h"
#include "covector/core/suggest.h"

#include <algorithm>
#include <ostream>

namespace covector::analysis {
namespace {

const std::vector<std::string> kNames = {"tsne", "dispersion", "test-retest", "pictures",
                                         "convergence"};

void check(const Request& request) {
  const auto known = std::find(kNames.begin(), kNames.end(), request.name) != kNames.end();
  if (!known)
    throw RecipeError("unknown analysis '" + request.name + "'" +
                      did_you_mean(request.name, kNames));
  if (request.output.empty() && request.folders.size() > 1)
    throw RecipeError("several folders need --output DIR, the one that gets the analysis");
  for (const auto& folder : request.folders)
    if (!std::filesystem::is_directory(folder))
      throw RecipeError("there is no folder " + folder.string());
  if (!request.data.empty() && !std::filesystem::exists(request.data))
    throw RecipeError("--data: there is no file " + request.data.string());
  if (request.images < 1) throw RecipeError("--images must be at least 1");
  if (request.pixels < 10 || request.pixels > 5000)
    throw RecipeError("--pixels must be between 10 and 5000: t-SNE looks at every pair");
}

Result made(const Request& request, Registries& registries, PluginLoader& loader,
            std::ostream& out) {
  if (request.name == "tsne") return tsne_maps(request, registries, loader, out);
  if (request.name == "dispersion") return dispersion(request, registries, loader, out);
  if (request.name == "pictures") return pictures(request, registries, loader, out);
  if (request.name == "convergence") return convergence(request);
  return test_retest(request);
}

}  // namespace

int analyse(const Request& given, Registries& registries, PluginLoader& loader, std::ostream& out) {
  check(given);
  auto request = given;
  if (request.output.empty()) request.output = request.folders.front();
  const auto result = made(request, registries, loader, out);
  const auto file = write(result, request.output);
  if (!result.table.columns.empty()) out << to_text(result.table);
  out << "wrote " << file.string() << '\n';
  return 0;
}

}  // namespace covector::analysis
