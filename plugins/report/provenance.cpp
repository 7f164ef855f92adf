#include "provenance.h"

#include "html.h"

#include <fmt/format.h>

#include <cstdint>

namespace covector::report {
namespace {

constexpr std::size_t kRecipeBytes = 1'800'000;  // of all recipes on the page

std::string state_of(const Run& run) {
  return run.state == "none" ? "not started" : run.state;
}

std::string recipe_of(const Run& run, std::size_t& left) {
  if (run.recipe.size() > left)
    return "<p class=\"inside note\">Its recipe is left out to keep this page small; it is "
           "recipe.toml in the run’s folder.</p>";
  left -= run.recipe.size();
  return fmt::format("<pre tabindex=\"0\">{}</pre>", escape(run.recipe));
}

std::string provenance_of(const Placed& placed, std::size_t& recipe_bytes_left) {
  const auto& run = placed.run;
  std::string environment, plugins;
  for (const auto& [name, value] : run.environment)
    environment +=
        fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(name), escape(value));
  for (const auto& plugin : run.plugins) plugins += (plugins.empty() ? "" : ", ") + plugin;
  return fmt::format(
      "<details><summary>{}</summary><div class=\"inside\"><p>Folder "
      "<code>{}</code></p><p>Plug-ins: "
      "{}</p></div>{}<table><tbody>{}</tbody></table></details>",
      escape(placed.name),
      escape(std::filesystem::absolute(run.folder).lexically_normal().string()),
      plugins.empty() ? "not recorded" : escape(plugins), recipe_of(run, recipe_bytes_left),
      environment);
}

}  // namespace

std::string problems_of(const Collection& all) {
  std::string items;
  for (const auto& problem : all.problems) items += fmt::format("<li>{}</li>", escape(problem));
  for (const auto& cell : all.missing)
    items += fmt::format("<li>{} is missing: {}</li>", escape(cell.name), escape(cell.reason));
  for (const auto* runs : {&all.pretrain, &all.adapt})
    for (const auto& placed : *runs) {
      const auto& run = placed.run;
      if (run.state != "finished")
        items += fmt::format("<li>{} is {} at step {} of {}{}</li>", escape(placed.name),
                             escape(state_of(run)), run.step, run.steps,
                             run.error.empty() ? "" : ": " + escape(run.error));
      for (const auto& problem : run.problems)
        items += fmt::format("<li>{}: {}</li>", escape(placed.name), escape(problem));
    }
  return items.empty() ? std::string()
                       : fmt::format(
                             "<div class=\"warning\" role=\"note\">This page is not complete:<ul>"
                             "{}</ul></div>",
                             items);
}

std::string provenance(const Collection& all) {
  std::string html;
  auto left = kRecipeBytes;
  for (const auto* runs : {&all.pretrain, &all.adapt})
    for (const auto& placed : *runs) html += provenance_of(placed, left);
  return html;
}

}  // namespace covector::report
