#include "browser.h"

#include "made_up_runs.h"
#include "support/catch.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace covector::testing {
namespace {

std::string chromium() {
  for (const auto* name :
       {"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"})
    if (std::system(fmt::format("command -v {} > /dev/null 2>&1", name).c_str()) == 0) return name;
  return {};
}

std::string output_of(const std::string& command) {
  auto* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe);
  std::string out;
  std::array<char, 65536> buffer{};
  for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    out.append(buffer.data(), n);
  CHECK(pclose(pipe) == 0);
  return out;
}

/// The value of an attribute that a document has once.
std::string attribute_in(const std::string& dom, const std::string& name) {
  const auto key = name + "=\"";
  const auto begin = dom.find(key);
  REQUIRE(begin != std::string::npos);
  const auto end = dom.find('"', begin + key.size());
  auto text = dom.substr(begin + key.size(), end - begin - key.size());
  for (auto at = text.find("&quot;"); at != std::string::npos; at = text.find("&quot;", at))
    text.replace(at, 6, "\"");
  return text;
}

}  // namespace

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

std::string body_of(const std::string& html) {
  const auto begin = html.find("<body>");
  return html.substr(begin, html.find("<script") - begin);
}

bool has_no_browser() {
  if (!chromium().empty()) return false;
  WARN("skipped: no Chromium on the PATH");
  return true;
}

nlohmann::json checked_page(const ScratchFolder& folder, std::string html, int width,
                            const std::string& script) {
  if (!script.empty())
    html += fmt::format("<script>document.body.dataset.said = {}</script>", script);
  const auto file = folder.path() / "page.html", log = folder.path() / "browser.log";
  write_text(file, html);
  const auto dom = output_of(fmt::format(
      "{} --headless --no-sandbox --disable-gpu --enable-logging=stderr --user-data-dir='{}' "
      "--window-size={},900 --virtual-time-budget=60000 --dump-dom 'file://{}?check' 2> '{}'",
      chromium(), (folder.path() / "profile").string(), width, file.string(), log.string()));
  CHECK(count(text_of(log), "CONSOLE") == 0);
  auto check = nlohmann::json::parse(attribute_in(dom, " data-check"));
  if (!script.empty()) check["said"] = attribute_in(dom, " data-said");
  return check;
}

}  // namespace covector::testing
