#pragma once

#include "covector/core/plugin.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace covector::cli {

/// What is known about a part, whatever its kind.
struct ReferencePart {
  std::string kind;
  std::string name;
  PartDoc doc;
  Provenance from;
  std::string usage;  // of a command
};

/// Everything that is registered, in the order of kinds and names.
std::vector<ReferencePart> registered_parts(const Registries& registries);
/// The optimisers and schedules, which core provides itself, under the plug-in name "core".
std::vector<ReferencePart> core_parts();
/// The words for kinds of parts, in the order of the registries.
std::vector<std::string> part_kinds();

/// What `covector plugins NAME` prints.
std::string to_text(const ReferencePart& part);

/// Writes the reference: a page a part, one for the recipe's own sections, and the index. Pages of
/// earlier times whose parts are gone are removed; a file that is no page of the reference is left
/// alone, and an error where its name is needed.
/// @returns  how many pages
std::size_t write_reference(const std::vector<ReferencePart>& parts,
                            const std::filesystem::path& folder);

}  // namespace covector::cli
