#include "view_chain.h"

#include "covector/core/plugin_loader.h"
#include "covector/core/random.h"

#include <algorithm>

namespace covector {
namespace {

/// The keys every element of a chain takes besides its transform's own.
struct LinkOptions {
  double probability = 1.0;
  std::string draw = "sample";
  bool shared = false;

  static void describe(Schema<LinkOptions>& schema) {
    schema.summary("What every transform of a view chain takes besides its own options.");
    schema.field("probability", &LinkOptions::probability)
        .doc("chance that the transform is applied to a sample")
        .between(0.0, 1.0);
    schema.field("draw", &LinkOptions::draw)
        .doc("whether each sample draws its own parameters or the batch shares them")
        .one_of({"sample", "batch"});
    schema.field("shared", &LinkOptions::shared)
        .doc("every view of the step draws the same parameters for this transform");
  }
};

/// Splits a chain's element into the common keys and the transform's own table.
std::pair<OptionTable, OptionTable> split(const Part& part) {
  const auto names = schema_of<LinkOptions>().names();
  OptionTable common;
  OptionTable own;
  common.where = own.where = part.where;
  for (const auto& [key, value] : part.entries)
    (std::find(names.begin(), names.end(), key) != names.end() ? common : own).set(key, value);
  return {common, own};
}

}  // namespace

ViewChains::ViewChains(const std::vector<ViewSpec>& specs, Registries& registries,
                       PluginLoader& loader, Problems& problems) {
  for (const auto& spec : specs) {
    Chain chain{spec, {}};
    OptionArray resolved;
    for (const auto& part : spec.chain) {
      const auto section = "views." + spec.name + ".chain[" + std::to_string(resolved.size()) + "]";
      const auto [common, own] = split(part);
      const auto options = schema_of<LinkOptions>().parse(common, section, problems);
      resolved.emplace_back(part);
      if (!loader.provide("transform", own, section, problems)) continue;
      const auto* entry = registries.of<Transform>().entry_of(own, section, problems);
      Problems found;
      entry->validate(own, section, found);
      if (!found.empty()) {
        entry->validate(own, section, problems);
        continue;
      }
      auto full = entry->resolve(own, section);
      for (auto& [key, value] : schema_of<LinkOptions>().dump(options).entries)
        full.set(key, std::move(value));
      resolved.back() = OptionValue(std::move(full));
      chain.links.push_back({entry->create(own, section), entry->name, options.probability,
                             options.draw == "batch", options.shared});
    }
    chains_.push_back(std::move(chain));
    resolved_.set(spec.name, OptionTable{{"chain", std::move(resolved)}});
  }
}

namespace {

/// Each sample `copies` times, side by side.
Samples repeated(const Samples& samples, std::int64_t copies) {
  Samples out{{}, samples.device};
  for (const auto& sample : samples.list) out.list.insert(out.list.end(), copies, sample);
  for (const auto position : samples.positions)
    out.positions.insert(out.positions.end(), copies, position);
  return out;
}

}  // namespace

View ViewChains::make_view(const Chain& chain, const Samples& samples, std::uint64_t seed,
                           std::int64_t step, std::int64_t first) {
  View view(repeated(samples, chain.spec.copies));
  const auto first_row = first * chain.spec.copies;
  std::map<std::string, int> occurrence;
  for (const auto& link : chain.links) {
    // A shared transform is known by its type and how many shared ones of that type came before
    // it, so that views of different length still agree.
    const auto nth = std::to_string(occurrence[link.type + (link.shared ? "/shared" : "")]++);
    const auto who =
        (link.shared ? std::string("shared") : chain.spec.name) + "/" + nth + ":" + link.type;
    const auto key = [&](const std::string& what, std::int64_t row) {
      return RandomStream(seed, "view/" + who + what,
                          {static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(row)});
    };
    std::vector<RandomStream> parameters;
    std::vector<RandomStream> fields;
    auto applied = at::ones({view.batch()}, at::kDouble);
    for (std::int64_t n = 0; n < view.batch(); ++n) {
      const auto row = link.same_for_batch ? 0 : first_row + n;
      parameters.push_back(key("", row));
      fields.push_back(key("/field", first_row + n));
      if (!key("/applied", row).bernoulli(link.probability)) applied[n] = 0.0;
    }
    Draws draws(std::move(parameters), std::move(fields), std::move(applied));
    link.transform->apply(view, draws);
  }
  return view;
}

Views ViewChains::make(const std::vector<Samples>& images, std::uint64_t seed, std::int64_t step,
                       std::int64_t first, const std::vector<std::string>& phases) const {
  Views views;
  for (const auto& chain : chains_) {
    const auto& spec = chain.spec;
    const bool seen = spec.phase.empty() || phases.empty() ||
                      std::find(phases.begin(), phases.end(), spec.phase) != phases.end();
    if (seen) views.emplace(spec.name, make_view(chain, images.at(spec.image), seed, step, first));
  }
  return views;
}

}  // namespace covector
