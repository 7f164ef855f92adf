#include "network_finder.h"

#include "covector/core/error.h"

#include <algorithm>
#include <map>

namespace covector {
namespace {

/// The words before each of the network's names, and how many stand behind them.
std::map<std::string, std::size_t> prefixes(const WeightsFile& file, const StateDict& own) {
  std::map<std::string, std::size_t> counts;
  for (const auto& group : file.groups)
    for (const auto& item : group.tensors) {
      const auto full = group.path + item.first;
      for (std::size_t begin = 0;; ++begin) {
        if (own.count(full.substr(begin))) ++counts[full.substr(0, begin)];
        begin = full.find('.', begin);
        if (begin == std::string::npos) break;
      }
    }
  return counts;
}

std::string quoted(const std::string& prefix) {
  return prefix.empty() ? "no words" : "'" + prefix + "'";
}

std::string best_of(const std::map<std::string, std::size_t>& counts) {
  const auto best =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  std::string equals;
  for (const auto& [prefix, count] : counts)
    if (count == best->second) equals += (equals.empty() ? "" : ", ") + quoted(prefix);
  if (equals != quoted(best->first))
    throw DataError("the network's names stand " + std::to_string(best->second) +
                    " times behind each of " + equals + "; choose one with --prefix");
  return best->first;
}

bool holds_network(const WeightsGroup& group, const StateDict& own, const std::string& prefix) {
  return std::any_of(group.tensors.begin(), group.tensors.end(), [&](const auto& item) {
    const auto full = group.path + item.first;
    return full.starts_with(prefix) && own.count(full.substr(prefix.size()));
  });
}

/// `full` without the words that it begins with as `prefix` does.
std::string beside(const std::string& full, const std::string& prefix) {
  const auto [end, ignored] = std::mismatch(full.begin(), full.end(), prefix.begin(), prefix.end());
  const auto dot = std::find(std::make_reverse_iterator(end), full.rend(), '.');
  return {dot.base(), full.end()};
}

void take(const WeightsGroup& group, const std::string& prefix, StateDict& found) {
  for (const auto& [name, tensor] : group.tensors) {
    const auto full = group.path + name;
    const auto bare = beside(full, prefix);
    if (!found.emplace(bare, tensor).second)
      throw DataError("two tensors are named '" + bare + "' once '" + prefix +
                      "' is taken off; one is '" + full + "'");
  }
}

const WeightsGroup& only_group(const WeightsFile& file) {
  if (file.groups.size() == 1) return file.groups[0];
  throw DataError(file.groups.empty() ? "it holds no tensors"
                                      : "no tensor in it bears a name of the network");
}

}  // namespace

StateDict find_network(const WeightsFile& file, const StateDict& own,
                       const std::optional<std::string>& prefix, LoadReport& report) {
  for (const auto& other : file.others) report.ignored.push_back(other + ", no tensor");
  const auto counts = prefixes(file, own);
  if (prefix && !counts.count(*prefix))
    throw DataError("no name of the network stands behind '" + *prefix + "' in it");
  if (counts.empty()) return only_group(file).tensors;

  const auto chosen = prefix ? *prefix : best_of(counts);
  if (!chosen.empty()) report.changed.push_back("'" + chosen + "' before the names is taken off");
  StateDict found;
  std::map<std::string, std::size_t> passed_over;  // tensors by the outermost dict
  for (const auto& group : file.groups) {
    if (holds_network(group, own, chosen))
      take(group, chosen, found);
    else
      passed_over[group.path.substr(0, group.path.find('.'))] += group.tensors.size();
  }
  for (const auto& [outermost, count] : passed_over)
    report.ignored.push_back("'" + outermost + "': " + std::to_string(count) +
                             " tensors, none of the network");
  return found;
}

}  // namespace covector
