#include "reference.h"

#include "optimiser.h"
#include "plan.h"
#include "schedule.h"
#include "text_table.h"

#include <fstream>

namespace covector::cli {
namespace fs = std::filesystem;
namespace {

template <class Interface, class Args>
void collect(const Registry<Interface, Args>& registry, std::vector<ReferencePart>& parts) {
  for (const auto& [name, entry] : registry) {
    ReferencePart part{std::string(Interface::kind), name, entry.doc, entry.from, ""};
    if constexpr (std::is_same_v<Interface, Command>)
      part.usage = entry.create(OptionTable{{"type", name}}, name)->help();
    parts.push_back(std::move(part));
  }
}

TextTable option_table(const PartDoc& doc) {
  TextTable table({"option", "type", "default", "unit", "must be", "meaning"});
  for (const auto& option : doc.options)
    table.add({option.name, option.type, option.default_value, option.unit, option.constraint,
               option.doc});
  return table;
}

const std::string kGenerated =
    "<!-- Made by `covector plugins --markdown`; change the source, not this page. -->\n";

bool is_page(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line + "\n" == kGenerated;
}

std::string page_of(const ReferencePart& part) {
  return part.kind + "-" + part.name + ".md";
}

/// Summary, source, departures, options and what to watch, below a heading.
std::string markdown_body(const PartDoc& doc) {
  std::string out;
  if (!doc.summary.empty()) out += doc.summary + "\n\n";
  if (!doc.family.empty()) out += "Family: " + doc.family + "\n\n";
  if (!doc.source.empty()) out += "Source: " + doc.source + "\n\n";
  if (!doc.reconstruction.empty()) out += "**A reconstruction**: " + doc.reconstruction + "\n\n";
  if (!doc.transfers.empty()) out += "What goes downstream: " + doc.transfers + "\n\n";
  if (!doc.departures.empty()) {
    out += "Where paper, released code and this part differ:\n\n";
    for (const auto& departure : doc.departures) out += "- " + departure + "\n";
    out += "\n";
  }
  const auto options = option_table(doc);
  if (!options.empty()) out += options.markdown();
  if (!doc.watched.empty()) {
    TextTable watched({"in the log", "what it tells"});
    for (const auto& [entry, meaning] : doc.watched) watched.add({"`" + entry + "`", meaning});
    out += (options.empty() ? "" : "\n") + std::string("What to watch:\n\n") + watched.markdown();
  }
  return out;
}

std::string page(const ReferencePart& part) {
  auto out = kGenerated + "# " + part.kind + " `" + part.name + "`\n\n" + "Plug-in `" +
             part.from.plugin + "` " + part.from.version + "\n\n";
  if (!part.usage.empty()) out += "```\n" + part.usage + "```\n\n";
  return out + markdown_body(part.doc);
}

template <class Options>
std::string section(const std::string& name) {
  return "\n## `[" + name + "]`\n\n" + markdown_body(schema_of<Options>().doc());
}

std::string recipe_page() {
  auto out = kGenerated +
             "# The sections of a recipe that belong to the program\n\n"
             "All other sections name a part by its `type`; its page lists their options.\n" +
             section<LoopOptions>("loop") + section<PretrainedOptions>("pretrained") +
             section<LabelledOptions>("labelled");
  for (const auto& part : core_parts())
    out += "\n## `[" + part.kind + "]` with `type = \"" + part.name + "\"`\n\n" +
           markdown_body(part.doc);
  return out;
}

std::string index_page(const std::vector<ReferencePart>& parts) {
  auto out = kGenerated +
             "# Reference\n\n"
             "[The sections of a recipe that belong to the program](recipe.md)\n";
  std::string kind;
  for (const auto& part : parts) {
    if (part.kind != kind) out += "\n## " + part.kind + "\n\n";
    kind = part.kind;
    out += "- [`" + part.name + "`](" + page_of(part) + ") " + part.doc.summary +
           (part.doc.reconstruction.empty() ? "" : " *A reconstruction.*") + "\n";
  }
  return out;
}

}  // namespace

std::vector<ReferencePart> registered_parts(const Registries& registries) {
  std::vector<ReferencePart> parts;
  std::apply([&](const auto&... registry) { (collect(registry, parts), ...); }, registries.all);
  return parts;
}

std::vector<ReferencePart> core_parts() {
  std::vector<ReferencePart> parts;
  collect(optimisers(), parts);
  collect(schedules(), parts);
  return parts;
}

std::vector<std::string> part_kinds() {
  std::vector<std::string> kinds;
  const auto add = [&]<class Interface, class Args>(const Registry<Interface, Args>&) {
    kinds.emplace_back(Interface::kind);
  };
  std::apply([&](const auto&... registry) { (add(registry), ...); }, Registries().all);
  return kinds;
}

std::string to_text(const ReferencePart& part) {
  auto out = part.kind + " '" + part.name + "' of plug-in '" + part.from.plugin + "' " +
             part.from.version + " (" + part.from.file + ")\n";
  const auto row = [&](const std::string& label, const std::string& text) {
    if (!text.empty()) out += "  " + label + text + "\n";
  };
  row("", part.doc.summary);
  row("family: ", part.doc.family);
  row("source: ", part.doc.source);
  row("reconstruction: ", part.doc.reconstruction);
  row("goes downstream: ", part.doc.transfers);
  for (const auto& departure : part.doc.departures) row("departure: ", departure);
  if (!part.usage.empty()) out += "\n" + part.usage;
  for (const auto& [entry, meaning] : part.doc.watched) row("watch " + entry + ": ", meaning);
  const auto options = option_table(part.doc);
  return out + (options.empty() ? "" : "\n" + options.text("  "));
}

std::size_t write_reference(const std::vector<ReferencePart>& parts, const fs::path& folder) {
  std::map<std::string, std::string> pages{{"README.md", index_page(parts)},
                                           {"recipe.md", recipe_page()}};
  for (const auto& part : parts) pages[page_of(part)] = page(part);
  fs::create_directories(folder);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto needed = pages.count(entry.path().filename().string()) > 0;
    const auto ours = is_page(entry.path());
    if (needed && !ours)
      throw Error("'" + entry.path().string() +
                  "' was not written by this command and would be replaced; move it away or choose "
                  "another folder");
    if (ours && !needed) fs::remove(entry.path());
  }
  for (const auto& [name, text] : pages) {
    std::ofstream file(folder / name);
    file << text;
    file.close();
    if (!file) throw Error("cannot write '" + (folder / name).string() + "'");
  }
  return pages.size();
}

}  // namespace covector::cli
