#pragma once

#include "support/scratch_folder.h"

#include <nlohmann/json.hpp>

#include <string>

namespace covector::testing {

/// How often a text holds another.
std::size_t count(const std::string& text, const std::string& what);
/// A page without its scripts, which speak of everything.
std::string body_of(const std::string& html);

/// Warns that the test is skipped where no Chromium is on the PATH.
bool has_no_browser();

/// What a report says of itself (see page/report.js) once headless Chromium has drawn all of it,
/// and that the console stayed empty.
/// @param width   of the window in CSS pixels
/// @param script  an expression evaluated in the page before; its text is "said"
nlohmann::json checked_page(const ScratchFolder& folder, std::string html, int width,
                            const std::string& script = {});

}  // namespace covector::testing
