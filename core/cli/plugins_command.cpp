#include "arguments.h"
#include "json.h"
#include "plugin_opening.h"
#include "program.h"
#include "reference.h"
#include "text_table.h"

#include <algorithm>
#include <ostream>

namespace covector::cli {
namespace {

using nlohmann::ordered_json;

ordered_json listing_json(const std::vector<FoundPlugin>& plugins, const std::string& kind) {
  auto json = ordered_json::array();
  for (const auto& plugin : plugins)
    for (const auto& item : plugin.provides)
      if (kind.empty() || item.kind == kind)
        json.push_back({{"kind", item.kind},
                        {"name", item.name},
                        {"family", item.family},
                        {"summary", item.summary},
                        {"source", item.source},
                        {"reconstruction", item.reconstruction},
                        {"plugin", plugin.name},
                        {"version", plugin.version},
                        {"file", plugin.file.string()}});
  return json;
}

std::string summary_of(const Provided& item) {
  return item.summary +
         (item.reconstruction.empty() ? "" : " (reconstruction: " + item.reconstruction + ")");
}

/// A line for each that this program could not open.
void list_foreign(const std::vector<FoundPlugin>& plugins, std::ostream& out) {
  for (const auto& plugin : plugins) {
    try {
      refuse_other_build(plugin.file, plugin.api, plugin.build);
    } catch (const PluginError& error) {
      out << "note: " << error.what() << '\n';
    }
  }
}

/// What the manifests say; opens nothing.
void list(PluginLoader& loader, const std::string& kind, std::ostream& out) {
  TextTable parts({"kind", "name", "family", "plug-in", "summary"});
  TextTable files({"plug-in", "version", "file"});
  for (const auto& known : part_kinds())
    for (const auto& plugin : loader.found())
      for (const auto& item : plugin.provides)
        if (item.kind == known && (kind.empty() || item.kind == kind))
          parts.add({item.kind, item.name, item.family, plugin.name, summary_of(item)});
  for (const auto& plugin : loader.found())
    files.add({plugin.name, plugin.version, plugin.file.string()});
  if (parts.empty()) {
    out << "No plug-in on the search path provides " << (kind.empty() ? "anything" : "a " + kind)
        << "; set COVECTOR_PLUGIN_PATH.\n";
    return;
  }
  out << parts.text() << '\n' << files.text();
  for (const auto& file : loader.without_manifest())
    out << "note: " << file.string()
        << " has no manifest, so its parts are not offered; make one with covector-manifest\n";
  list_foreign(loader.found(), out);
  out << "\n'covector plugins NAME' shows a part with its options.\n";
}

/// Opens the plug-ins that `wanted` picks and returns what they registered.
template <class Wanted>
std::vector<ReferencePart> opened_parts(Program& program, Wanted wanted) {
  std::vector<ReferencePart> parts;
  const auto found = program.loader.found();
  for (const auto& plugin : found)
    if (std::any_of(plugin.provides.begin(), plugin.provides.end(),
                    [&](const Provided& item) { return wanted(plugin, item); }))
      program.loader.load(plugin.file);
  for (auto& part : registered_parts(program.registries)) {
    const auto from = std::find_if(found.begin(), found.end(), [&](const FoundPlugin& plugin) {
      return plugin.file == part.from.file;
    });
    if (from != found.end() && wanted(*from, {part.kind, part.name, "", "", ""}))
      parts.push_back(std::move(part));
  }
  return parts;
}

ordered_json part_json(const ReferencePart& part) {
  auto options = ordered_json::array();
  for (const auto& option : part.doc.options)
    options.push_back({{"name", option.name},
                       {"type", option.type},
                       {"default", option.default_value},
                       {"unit", option.unit},
                       {"constraint", option.constraint},
                       {"doc", option.doc}});
  auto watched = ordered_json::object();
  for (const auto& [entry, meaning] : part.doc.watched) watched[entry] = meaning;
  return {{"kind", part.kind},
          {"name", part.name},
          {"summary", part.doc.summary},
          {"family", part.doc.family},
          {"source", part.doc.source},
          {"reconstruction", part.doc.reconstruction},
          {"transfers", part.doc.transfers},
          {"departures", part.doc.departures},
          {"watch", watched},
          {"options", options},
          {"plugin", part.from.plugin},
          {"version", part.from.version},
          {"file", part.from.file}};
}

void show(Program& program, const std::string& name, const std::string& kind, bool json) {
  const auto parts = opened_parts(program, [&](const FoundPlugin& plugin, const Provided& item) {
    return (plugin.name == name || item.name == name) && (kind.empty() || item.kind == kind);
  });
  if (parts.empty()) {
    std::vector<std::string> names;
    for (const auto& plugin : program.loader.found()) {
      names.push_back(plugin.name);
      for (const auto& item : plugin.provides) names.push_back(item.name);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    throw RecipeError("no plug-in and no " + (kind.empty() ? "part" : kind) + " is named '" + name +
                      "'" + did_you_mean(name, names));
  }
  if (json) {
    auto list = ordered_json::array();
    for (const auto& part : parts) list.push_back(part_json(part));
    program.out << list.dump(2) << '\n';
    return;
  }
  for (const auto& part : parts)
    program.out << (&part == &parts.front() ? "" : "\n") << to_text(part);
}

}  // namespace

int plugins_command(const Words& words, std::ostream& out) {
  Syntax syntax{"plugins",
                "Lists the parts that plug-ins provide; with the name of a part or plug-in, shows "
                "its options.",
                {"[NAME]"}};
  syntax.options.add_options()("kind", po::value<std::string>()->value_name("KIND"),
                               "only parts of this kind, such as method or transform")(
      "markdown", po::value<std::string>()->value_name("DIR"),
      "write the reference into this folder: a page a part, and an index")("json", "print JSON");
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  const auto text = [&](const char* name) {
    return values->count(name) ? (*values)[name].as<std::string>() : std::string();
  };
  const auto kind = text("kind");
  const auto kinds = part_kinds();
  if (!kind.empty() && std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
    throw RecipeError("unknown kind '" + kind + "'" + did_you_mean(kind, kinds));
  Program program(out);
  if (values->count("markdown")) {
    const auto parts =
        opened_parts(program, [](const FoundPlugin&, const Provided&) { return true; });
    out << "wrote " << write_reference(parts, text("markdown")) << " pages to " << text("markdown")
        << '\n';
  } else if (values->count("NAME")) {
    show(program, text("NAME"), kind, values->count("json") > 0);
  } else if (values->count("json")) {
    out << listing_json(program.loader.found(), kind).dump(2) << '\n';
  } else {
    list(program.loader, kind, out);
  }
  return 0;
}

}  // namespace covector::cli
