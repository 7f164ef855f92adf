#include "transfer.h"

#include "covector/core/error.h"
#include "run_folder.h"

#include <torch/utils.h>
#include <nlohmann/json.hpp>

#include <charconv>

namespace covector {
namespace fs = std::filesystem;
namespace {

const std::string kPrefix = "weights/backbone.";
const std::string kLevels = "levels ";

struct Source {
  fs::path file;
  State state;
};

Source open_run(const fs::path& run, const std::function<void(const std::string&)>& warn) {
  if (!fs::exists(run))
    throw Error("[pretrained] there is no run '" + run.string() + "'; run its recipe first");
  if (!fs::is_directory(run)) return {run, read_state(run)};
  auto latest = CheckpointFolder(run / "checkpoints", 1).latest(warn);
  if (!latest) throw Error("[pretrained] the run '" + run.string() + "' has no checkpoint yet");
  if (const auto status = read_status(run); status.state != "finished")
    warn("the pretraining in " + run.string() + " is not finished: it stands at step " +
         std::to_string(latest->step) + " of " + std::to_string(status.steps));
  return {latest->file, std::move(latest->state)};
}

bool goes_along(const Backbone& backbone, const std::string& name, Transfer transfer) {
  return transfer == Transfer::encoder
             ? backbone.in_encoder(name)
             : backbone.level_of(name) < static_cast<std::size_t>(transfer);
}

std::string counted(const std::string& what, const std::vector<std::string>& names) {
  return ", " + what + " " + std::to_string(names.size());
}

}  // namespace

std::string to_string(Transfer transfer) {
  if (transfer == Transfer::encoder) return "encoder";
  if (transfer == Transfer::network) return "network";
  return kLevels + std::to_string(static_cast<std::size_t>(transfer));
}

Transfer to_transfer(const std::string& text) {
  if (text == "encoder") return Transfer::encoder;
  if (text == "network") return Transfer::network;
  std::size_t count = 0;
  const auto* end = text.data() + text.size();
  if (text.starts_with(kLevels) &&
      std::from_chars(text.data() + kLevels.size(), end, count).ptr == end && count > 0)
    return Transfer{count};
  throw Error("a checkpoint's weights transfer as '" + text +
              "', which this version does not know");
}

std::string to_text(const LoadReport& report) {
  const auto share = report.all_numbers ? 100.0 * static_cast<double>(report.loaded_numbers) /
                                              static_cast<double>(report.all_numbers)
                                        : 0.0;
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.1f", share);
  auto text =
      "weights of " + report.source +
      (report.step ? ", step " + std::to_string(*report.step) : "") +
      (report.transfer == Transfer::network ? "" : " (" + to_string(report.transfer) + " only)") +
      ": matched " + std::to_string(report.matched.size()) + " tensors, " + percent +
      " % of the backbone's numbers" + counted("missing", report.missing) +
      counted("unexpected", report.unexpected) + counted("reshaped", report.reshaped);
  const std::pair<std::string, const std::vector<std::string>&> lists[] = {
      {"missing", report.missing},
      {"unexpected", report.unexpected},
      {"reshaped", report.reshaped},
      {"changed", report.changed},
      {"ignored", report.ignored}};
  for (const auto& list : lists)
    for (const auto& name : list.second) text += "\n  " + list.first + ": " + name;
  return text;
}

std::string to_json(const LoadReport& report) {
  const nlohmann::ordered_json json{
      {"source", report.source},
      {"step", report.step ? nlohmann::ordered_json(*report.step) : nlohmann::ordered_json()},
      {"transfer", to_string(report.transfer)},
      {"loaded_numbers", report.loaded_numbers},
      {"all_numbers", report.all_numbers},
      {"matched", report.matched},
      {"kept", report.kept},
      {"changed", report.changed},
      {"ignored", report.ignored},
      {"missing", report.missing},
      {"unexpected", report.unexpected},
      {"reshaped", report.reshaped}};
  return json.dump(2) + "\n";
}

StateDict tensors_of(const Backbone& backbone) {
  StateDict all;
  for (const auto& item : backbone.named_parameters()) all[item.key()] = item.value();
  for (const auto& item : backbone.named_buffers()) all[item.key()] = item.value();
  return all;
}

StateDict backbone_tensors(const State& state) {
  StateDict found;
  for (const auto& [name, tensor] : state.tensors)
    if (name.starts_with(kPrefix)) found[name.substr(kPrefix.size())] = tensor;
  return found;
}

void put_backbone_tensors(const StateDict& tensors, State& state) {
  for (const auto& [name, tensor] : tensors) state.tensors[kPrefix + name] = tensor;
}

void compare(const Backbone& backbone, const StateDict& found, LoadReport& report) {
  const auto wanted = tensors_of(backbone);
  for (const auto& [name, tensor] : wanted) {
    report.all_numbers += tensor.numel();
    const auto hit = found.find(name);
    if (!goes_along(backbone, name, report.transfer)) {
      report.kept.push_back(name);
    } else if (hit == found.end()) {
      report.missing.push_back(name);
    } else if (hit->second.sizes() != tensor.sizes()) {
      report.reshaped.push_back(name + " " + c10::str(hit->second.sizes()) + " -> " +
                                c10::str(tensor.sizes()));
    } else {
      report.matched.push_back(name);
      report.loaded_numbers += tensor.numel();
    }
  }
  for (const auto& item : found)
    if (!wanted.count(item.first)) report.unexpected.push_back(item.first);
}

void load_matched(Backbone& backbone, const StateDict& found, const LoadReport& report) {
  const torch::NoGradGuard no_grad;
  auto tensors = tensors_of(backbone);
  for (const auto& name : report.matched) tensors.at(name).copy_(found.at(name));
}

LoadReport load_pretrained(Backbone& backbone, const fs::path& run,
                           const std::function<void(const std::string&)>& warn) {
  const auto [file, state] = open_run(run, warn);
  if (!state.texts.count("transfer"))
    throw Error("[pretrained] '" + file.string() + "' is not a checkpoint of a pretrain run");
  LoadReport report;
  report.source = file.string();
  if (const auto steps = state.texts.find("steps_done"); steps != state.texts.end())
    report.step = std::stoll(steps->second);
  report.transfer = to_transfer(state.texts.at("transfer"));
  const auto found = backbone_tensors(state);
  compare(backbone, found, report);
  if (!report.fits())
    throw Error("[pretrained] the backbone does not fit; pretrained " + to_text(report) +
                "\nThe [backbone] here must be the one that was pretrained.");
  load_matched(backbone, found, report);
  return report;
}

}  // namespace covector
