#include "weights_exchange.h"

#include "assemble.h"
#include "covector/core/error.h"
#include "network_finder.h"
#include "number_type.h"
#include "run_folder.h"
#include "weights_file.h"

#include <torch/types.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace covector {
namespace fs = std::filesystem;
namespace {

/// The parts of a recipe, without touching its data.
Assembly parts_of(const Recipe& recipe, Registries& registries, PluginLoader& loader) {
  if (kind_of(recipe) == "benchmark")
    throw RecipeError(recipe.file.string() +
                      " is of kind benchmark; name a recipe with the [backbone] itself");
  Problems problems;
  const auto plan = read_plan(recipe, registries, loader, problems);
  problems.raise();
  return assemble(plan, registries, loader, /*open_data=*/false);
}

std::string type_name(const at::Tensor& tensor) {
  const auto* type = find_type(tensor.scalar_type());
  return type ? std::string(type->name) : c10::toString(tensor.scalar_type());
}

/// Numbers of the type that the network has. Another width of the same kind is taken; what is no
/// such number (counts for weights) is an error.
void convert_numbers(const StateDict& own, StateDict& found, LoadReport& report) {
  std::string wrong;
  for (auto& [name, tensor] : found) {
    const auto place = own.find(name);
    if (place == own.end() || place->second.scalar_type() == tensor.scalar_type()) continue;
    const auto change = type_name(tensor) + " -> " + type_name(place->second);
    if (tensor.is_floating_point() == place->second.is_floating_point() &&
        tensor.scalar_type() != at::kBool) {
      tensor = tensor.to(place->second.scalar_type());
      report.changed.push_back(name + ": " + change);
    } else {
      wrong += "\n  " + name + ": " + change;
    }
  }
  if (!wrong.empty()) throw DataError("numbers of a wrong type:" + wrong);
}

/// What would make a file fit, as far as that can be told.
std::string advice(const Backbone& backbone, const LoadReport& report) {
  const auto outside = [&](const std::string& name) { return !backbone.in_encoder(name); };
  std::string text;
  if (!report.missing.empty() && report.matched.size() > 0 &&
      std::all_of(report.missing.begin(), report.missing.end(), outside))
    text += "\nAll that is missing lies outside the encoder: --encoder takes the encoder alone.";
  if (!report.unexpected.empty() && report.missing.empty() && report.reshaped.empty())
    text += "\nWhere what is unexpected is not needed, --allow-unexpected passes over it.";
  if (!report.reshaped.empty())
    text += "\nShapes follow from the options of [backbone] and the channels of the images.";
  return text;
}

/// The backbone's tensors out of a file, fitted; all else is in the report.
StateDict fitted(const Backbone& backbone, const ImportRequest& request, LoadReport& report) {
  const auto own = tensors_of(backbone);
  auto translation = backbone.from_published(
      find_network(read_weights(request.file), own, request.prefix, report));
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(report.changed, translation.changed);
  append(report.ignored, translation.ignored);
  convert_numbers(own, translation.tensors, report);
  compare(backbone, translation.tensors, report);
  if (request.allow_unexpected)
    for (const auto& name : std::exchange(report.unexpected, {}))
      report.ignored.push_back(name + ": unexpected, as --allow-unexpected permits");
  if (report.matched.empty())
    throw DataError("none of its tensors is one of this network, such as '" + own.begin()->first +
                    "'; the [backbone] of the recipe may be another than it was saved from");
  if (!report.fits()) throw DataError(to_text(report) + advice(backbone, report));

  StateDict matched;
  for (const auto& name : report.matched) matched[name] = translation.tensors.at(name);
  return matched;
}

/// A checkpoint file or the one of a run folder to take.
std::pair<fs::path, State> open_weights(const fs::path& run,
                                        const std::function<void(const std::string&)>& warn) {
  if (!fs::exists(run)) throw DataError("there is no run or checkpoint '" + run.string() + "'");
  if (!fs::is_directory(run)) return {run, read_state(run)};
  auto found = CheckpointFolder(run / "checkpoints", 1).best_or_latest(warn);
  if (!found) throw DataError("the run '" + run.string() + "' has no checkpoint");
  return std::move(*found);
}

std::shared_ptr<Backbone> backbone_of(const fs::path& file, const State& state,
                                      Registries& registries, PluginLoader& loader,
                                      std::string& type) {
  const auto text = state.texts.find("recipe");
  if (text == state.texts.end())
    throw DataError("'" + file.string() + "' does not say which backbone it is of");
  const Recipe recipe{parse_toml(text->second, file.string()), file, {file}};
  auto parts = parts_of(recipe, registries, loader);
  type = *parts.resolved.find("backbone")->as_table()->find("type")->as_string();
  return std::move(parts.backbone);
}

}  // namespace

LoadReport import_weights(const ImportRequest& request, Registries& registries,
                          PluginLoader& loader) {
  if (fs::exists(request.output))
    throw RecipeError("'" + request.output.string() +
                      "' exists already; choose another file or remove it");
  const auto parts = parts_of(request.recipe, registries, loader);
  LoadReport report;
  report.source = request.file.string();
  report.transfer = request.encoder ? Transfer::encoder : Transfer::network;
  State state;
  try {
    put_backbone_tensors(fitted(*parts.backbone, request, report), state);
  } catch (const DataError& error) {
    throw DataError("nothing was imported from '" + request.file.string() + "': " + error.what());
  } catch (const std::invalid_argument& error) {
    throw DataError("nothing was imported from '" + request.file.string() + "': " + error.what());
  }
  state.texts = {{"kind", "import"},
                 {"recipe", to_toml_document(parts.resolved)},
                 {"plugins", plugins_json(loader)},
                 {"transfer", to_string(report.transfer)},
                 {"load_report", to_json(report)}};
  write_state(request.output, state);
  return report;
}

ExportedWeights export_weights(const fs::path& run, const fs::path& output, Registries& registries,
                               PluginLoader& loader,
                               const std::function<void(const std::string&)>& warn) {
  check_writable(output);
  const auto [file, state] = open_weights(run, warn);
  ExportedWeights exported;
  const auto backbone = backbone_of(file, state, registries, loader, exported.backbone);
  auto& report = exported.report;
  report.source = file.string();
  if (const auto steps = state.texts.find("steps_done"); steps != state.texts.end())
    report.step = std::stoll(steps->second);
  const auto own = backbone_tensors(state);
  compare(*backbone, own, report);
  if (!report.fits())
    throw DataError("nothing was exported, the checkpoint does not hold all of its backbone; " +
                    to_text(report));
  if (const auto trained = state.texts.find("transfer"); trained != state.texts.end())
    exported.trained = to_transfer(trained->second);
  const auto published = backbone->to_published(own);
  for (const auto& item : published)
    if (!own.count(item.first)) exported.added.push_back(item.first);
  exported.tensors = published.size();
  write_weights(output, published);
  return exported;
}

}  // namespace covector
