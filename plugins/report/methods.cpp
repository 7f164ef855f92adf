#include "methods.h"

#include "html.h"
#include "pictures.h"
#include "results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace covector::report {
namespace {

// Bytes of pictures over all methods, of which each has an equal part, lest the first take all.
constexpr std::uintmax_t kViewBytes = 1'800'000;
constexpr std::uintmax_t kCaseBytes = 1'800'000;

/// What a method and the baseline, for comparison, did in an experiment.
Experiment beside_baseline(const Experiment& experiment, const std::string& name) {
  Experiment out{experiment.name, {}, {}};
  const auto* baseline = baseline_of(experiment);
  for (const auto& arm : experiment.arms)
    if (arm.name == name || &arm == baseline) out.arms.push_back(arm);
  return out;
}

const Arm* arm_of(const Experiment& experiment, const std::string& name) {
  for (const auto& arm : experiment.arms)
    if (arm.name == name) return &arm;
  return nullptr;
}

std::string charts_block(const std::string& heading, const std::string& figures) {
  if (figures.empty()) return {};
  return fmt::format("<h4>{}</h4><div class=\"charts\">{}</div>", escape(heading), figures);
}

/// "organs DSC 78.2 %, scr DSC 91.0 %", for the line that opens a method.
std::string summary_of(const std::vector<Experiment>& measured, const std::string& name) {
  std::string text;
  for (const auto& experiment : measured) {
    const auto* metric = main_metric(experiment);
    const auto* arm = arm_of(experiment, name);
    const auto mean = metric && arm ? over_seeds(*arm, metric->name) : std::nullopt;
    if (mean)
      text += fmt::format("{}{} {} {}{}", text.empty() ? "" : ", ", experiment.name, metric->name,
                          number(mean->mean, digits_of(metric->unit)),
                          metric->unit.empty() ? "" : " " + metric->unit);
  }
  return text.empty() ? "no result yet" : text;
}

std::string note_of(const Collection& all, const std::string& name) {
  for (const auto& table : all.tables)
    for (const auto& row : table.rows)
      if (row.name == name && !row.note.empty()) return row.note;
  for (const auto& placed : all.pretrain)
    if (placed.arm == name && !placed.run.reconstruction.empty()) return placed.run.reconstruction;
  return {};
}

std::string pretraining_part(const Collection& all, const std::string& name, Charts& charts,
                             PictureBudget& views) {
  std::string html;
  for (const auto& placed : all.pretrain) {
    if (placed.arm != name) continue;
    if (placed.run.state == "finished" && placed.run.steps == 0) {
      html += fmt::format(
          "<p class=\"note\">{} trains nothing: its weights are the network’s "
          "first.</p>",
          escape(placed.name));
      continue;
    }
    html += charts_block("Pretraining, " + placed.name, curves_of(placed.run, charts));
    html += run_pictures(placed.run, 1, views);
  }
  return html + views.left_out();
}

std::string adaptation_part(const std::vector<Experiment>& measured, const std::string& name,
                            Charts& charts, PictureBudget& cases) {
  std::string html;
  for (const auto& experiment : measured) {
    const auto* arm = arm_of(experiment, name);
    if (!arm) continue;
    html += charts_block("Adaptation, " + experiment.name,
                         comparison_curves(beside_baseline(experiment, name), charts));
    html += arm_pictures(experiment, *arm, cases);
  }
  return html + cases.left_out();
}

/// What monitors are called in a log by their ending, and here.
constexpr std::array<std::array<const char*, 2>, 3> kMonitors = {
    {{"/level", "Collapse level"}, {"/effective_rank", "Rank"}, {"/std", "Spread"}}};

/// Last values of a monitor over embeddings: "h 0.12, z 0.40".
std::string last_values(const Log& log, const std::string& ending) {
  std::string text;
  for (const auto& [name, points] : log) {
    if (!name.starts_with("monitor/") || !name.ends_with(ending) || points.empty()) continue;
    const auto embedding = name.substr(8, name.size() - 8 - ending.size());
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", embedding, number(points.back().value));
  }
  return text.empty() ? "–" : text;
}

}  // namespace

std::vector<std::string> method_names(const Collection& all) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& table : all.tables)
    for (const auto& row : table.rows) add(row.name);
  for (const auto* runs : {&all.pretrain, &all.adapt})
    for (const auto& placed : *runs) add(placed.arm);
  return names;
}

std::string ends_of_pretraining(const Collection& all) {
  std::string rows;
  for (const auto& placed : all.pretrain) {
    const auto& log = placed.run.log;
    const auto loss = log.find("loss");
    if (loss == log.end() || loss->second.empty()) continue;
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td "
        "class=\"number\">{}</td><td class=\"number\">{}</td>",
        escape(placed.name), placed.run.step, number(loss->second.front().value, 3),
        number(loss->second.back().value, 3));
    for (const auto& [ending, title] : kMonitors)
      rows += fmt::format("<td>{}</td>", escape(last_values(log, ending)));
    rows += "</tr>";
  }
  if (rows.empty()) return {};
  std::string heads;
  for (const auto& [ending, title] : kMonitors)
    heads += fmt::format("<th scope=\"col\">{}</th>", title);
  return framed(
      fmt::format("<table class=\"sortable\"><caption>Losses of different methods are different "
                  "quantities. Collapse monitors by embedding, where a method has some: level 0 "
                  "spread evenly, 1 all equal.</caption><thead><tr><th scope=\"col\">Pretraining"
                  "</th><th scope=\"col\" class=\"number\">Steps</th><th scope=\"col\" "
                  "class=\"number\">First loss</th><th scope=\"col\" class=\"number\">Last loss"
                  "</th>{}</tr></thead><tbody>{}</tbody></table>",
                  heads, rows),
      "How the pretrainings ended", "tall");
}

std::string method_sections(const Collection& all, const std::vector<Experiment>& measured,
                            const std::vector<std::string>& names, Charts& charts) {
  std::string contents, html;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& name = names[i];
    PictureBudget views(kViewBytes / names.size()), cases(kCaseBytes / names.size());
    const auto note = note_of(all, name);
    auto inside = note.empty() ? std::string()
                               : "<p class=\"note\">A reconstruction: " + escape(note) + "</p>";
    inside += pretraining_part(all, name, charts, views);
    inside += adaptation_part(measured, name, charts, cases);
    contents += fmt::format("<li><a href=\"#method-{}\">{}</a></li>", i, escape(name));
    html += fmt::format(
        "<details class=\"method\" id=\"method-{0}\"><summary><h3>{1}</h3> <span>{2}</span>"
        "</summary><div class=\"inside\">{3}<p class=\"back\"><a href=\"#methods\">Back to the "
        "methods</a></p></div></details>",
        i, escape(name), escape(summary_of(measured, name)), inside);
  }
  return "<nav aria-label=\"Methods\"><ul class=\"names\">" + contents + "</ul></nav>" + html;
}

}  // namespace covector::report
