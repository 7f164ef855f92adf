#pragma once

#include "covector/core/schema.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace covector {

/// Which plug-in an entry came from; printed in every clash and by `covector plugins`.
struct Provenance {
  std::string plugin;
  std::string version;
  std::string file;
};

template <class Interface, class Args = typename Interface::CreateArgs>
class Registry;

/// Named creators of one interface. Owned by the program, passed by reference, never global.
template <class Interface, class... Args>
class Registry<Interface, std::tuple<Args...>> {
 public:
  struct Entry {
    std::string name;
    PartDoc doc;
    Provenance from;
    /// Adds to `problems` whatever is wrong with the options in the table.
    std::function<void(const OptionTable&, const std::string& section, Problems&)> validate;
    /// The table with every default filled in, `type` first.
    std::function<OptionTable(const OptionTable&, const std::string& section)> resolve;
    std::function<std::shared_ptr<Interface>(const OptionTable&, const std::string& section,
                                             Args...)>
        create;
  };

  /// Throws PluginError naming both plug-ins when the name is taken.
  void add(Entry entry) {
    const auto taken = entries_.find(entry.name);
    if (taken != entries_.end())
      throw PluginError(std::string(Interface::kind) + " '" + entry.name + "' of plug-in '" +
                        entry.from.plugin + "' (" + entry.from.file +
                        ") is already registered by plug-in '" + taken->second.from.plugin + "' (" +
                        taken->second.from.file + ")");
    entries_.emplace(entry.name, std::move(entry));
  }
  bool contains(std::string_view name) const { return entries_.find(name) != entries_.end(); }
  /// Throws RecipeError with the nearest known name.
  const Entry& at(std::string_view name) const {
    if (const auto it = entries_.find(name); it != entries_.end()) return it->second;
    throw RecipeError("unknown " + std::string(Interface::kind) + " '" + std::string(name) + "'" +
                      did_you_mean(name, names()));
  }
  /// The entry that `table` asks for by its string "type", or nullptr with the problem added.
  const Entry* entry_of(const OptionTable& table, const std::string& section,
                        Problems& problems) const {
    const auto* type = table.find("type");
    const auto* name = type ? type->as_string() : nullptr;
    if (!name) {
      problems.add(section, type ? type->where : table.where, "needs a string 'type'");
      return nullptr;
    }
    const auto it = entries_.find(*name);
    if (it != entries_.end()) return &it->second;
    problems.add(section, type->where,
                 "unknown " + std::string(Interface::kind) + " '" + *name + "'" +
                     did_you_mean(*name, names()));
    return nullptr;
  }
  /// Builds what `table` asks for; throws RecipeError with every problem of its options.
  std::shared_ptr<Interface> create(const OptionTable& table, const std::string& section,
                                    Args... args) const {
    Problems problems;
    const auto* entry = entry_of(table, section, problems);
    problems.raise();
    return entry->create(table, section, std::forward<Args>(args)...);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& item : entries_) out.push_back(item.first);
    return out;
  }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

/// The entry of Impl, constructible from (const Options&, Interface::CreateArgs...), under `name`.
template <class Interface, std::derived_from<Interface> Impl, Described Options>
typename Registry<Interface>::Entry make_entry(const std::string& name, Provenance from) {
  typename Registry<Interface>::Entry entry;
  entry.name = name;
  entry.doc = schema_of<Options>().doc();
  entry.from = std::move(from);
  entry.validate = [](const OptionTable& table, const std::string& section, Problems& problems) {
    schema_of<Options>().parse(table, section, problems);
  };
  entry.resolve = [name](const OptionTable& table, const std::string& section) {
    const auto schema = schema_of<Options>();
    OptionTable full{{"type", name}};
    for (auto& [key, value] : schema.dump(schema.parse(table, section)).entries)
      full.set(key, std::move(value));
    return full;
  };
  entry.create = [](const OptionTable& table, const std::string& section, auto&&... args) {
    return std::make_shared<Impl>(schema_of<Options>().parse(table, section),
                                  std::forward<decltype(args)>(args)...);
  };
  return entry;
}

}  // namespace covector
