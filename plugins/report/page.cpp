#include "page.h"

#include "analyses.h"
#include "assets.h"
#include "boxes.h"
#include "charts.h"
#include "html.h"
#include "methods.h"
#include "pictures.h"
#include "provenance.h"
#include "results.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <set>

namespace covector::report {
namespace {

constexpr std::uintmax_t kViewBytes = 2'500'000;
constexpr std::uintmax_t kOverlayBytes = 2'000'000;
// Of a curve; with many arms there are many, on smaller charts.
constexpr std::size_t kBuckets = 250, kBucketsOfMany = 60;

struct Section {
  std::string id, title, about, html;
};

std::string facts(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string html;
  for (const auto& [term, text] : rows)
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", escape(term), text);
  return fmt::format("<dl class=\"facts\">{}</dl>", html);
}

/// Distinct values of something over runs, in order of appearance.
template <class Get>
std::string distinct(const std::vector<Placed>& runs, Get get) {
  std::vector<std::string> seen;
  for (const auto& placed : runs)
    if (const auto text = get(placed.run);
        !text.empty() && std::find(seen.begin(), seen.end(), text) == seen.end())
      seen.push_back(text);
  std::string out;
  for (const auto& text : seen) out += (out.empty() ? "" : ", ") + text;
  return out;
}

/// "19 methods" of many, else their names.
std::string parts_of(const std::vector<Placed>& runs, bool many, const std::string& noun) {
  std::set<std::string> arms;
  for (const auto& placed : runs) arms.insert(placed.arm);
  return many ? counted(arms.size(), noun) : distinct(runs, [](const Run& r) { return r.part; });
}

std::string facts_of(const Collection& all, const std::vector<Experiment>& measured, bool many) {
  std::vector<std::pair<std::string, std::string>> rows;
  const auto add = [&](const std::string& term, const std::string& text, const std::string& small) {
    if (text.empty()) return;
    rows.emplace_back(term,
                      escape(text) + (small.empty() ? "" : "<small>" + escape(small) + "</small>"));
  };
  const auto done = [](const std::vector<Placed>& runs) {
    const auto n = std::count_if(runs.begin(), runs.end(),
                                 [](const Placed& p) { return p.run.state == "finished"; });
    return fmt::format("{} of {} finished", n, counted(runs.size(), "run"));
  };
  for (const auto& experiment : measured) {
    const auto* baseline = baseline_of(experiment);
    const auto* metric = main_metric(experiment);
    if (many || !baseline || !metric || experiment.arms.front().is_baseline) continue;
    if (const auto gain = over_baseline(experiment.arms.front(), *baseline, metric->name))
      add(fmt::format("{}, {} over {}", metric->name, experiment.arms.front().name, baseline->name),
          signed_number(gain->mean) + (metric->unit == "%" ? " points" : " " + metric->unit),
          gain->low ? fmt::format("95 % interval {} to {}", signed_number(*gain->low),
                                  signed_number(*gain->high))
                    : "one seed, no interval");
    break;
  }
  if (!all.pretrain.empty())
    add("Pretraining", parts_of(all.pretrain, many, "method"), done(all.pretrain));
  if (!all.missing.empty()) add("Missing", counted(all.missing.size(), "cell"), "see What ran");
  if (!all.adapt.empty())
    add("Measured by", distinct(all.adapt, [](const Run& r) { return r.part; }), done(all.adapt));
  auto both = all.pretrain;
  both.insert(both.end(), all.adapt.begin(), all.adapt.end());
  add("Backbone", distinct(both, [](const Run& r) { return r.backbone; }), "");
  add("Data", distinct(both, [](const Run& r) { return r.dataset; }), "");
  return facts(rows);
}

std::string run_table(const Collection& all) {
  std::string rows;
  const auto add = [&](const Placed& placed) {
    const auto& run = placed.run;
    auto state = escape(run.state == "none" ? "not started" : run.state);
    if (!run.error.empty()) state += "<br><small>" + escape(run.error) + "</small>";
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td class=\"number\">{}</td>"
        "<td class=\"number\">{} of {}</td><td>{}</td></tr>",
        escape(placed.name), escape(run.kind), escape(run.part), escape(run.dataset), run.seed,
        run.step, run.steps, state);
  };
  for (const auto& placed : all.pretrain) add(placed);
  for (const auto& placed : all.adapt) add(placed);
  return framed(fmt::format("<table class=\"sortable\"><thead><tr><th scope=\"col\">Run</th><th "
                            "scope=\"col\">Kind</th><th scope=\"col\">Method or task</th><th "
                            "scope=\"col\">Data</th><th "
                            "scope=\"col\" class=\"number\">Seed</th><th scope=\"col\" "
                            "class=\"number\">Steps</th><th "
                            "scope=\"col\">State</th></tr></thead><tbody>{}</tbody></table>",
                            rows),
                "Runs", "tall");
}

std::optional<double> mean_of_log(const Run& run, const std::string& name) {
  const auto found = run.log.find(name);
  if (found == run.log.end() || found->second.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& point : found->second) sum += point.value;
  return sum / static_cast<double>(found->second.size());
}

std::string data_table(const Collection& all) {
  std::string rows, skipped;
  const auto add = [&](const Placed& placed) {
    const auto wait = mean_of_log(placed.run, "data_wait_share");
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td><td "
        "class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
        escape(placed.name), wait ? number(100 * *wait, 1) + " %" : "–",
        number(mean_of_log(placed.run, "steps_per_second")),
        number(mean_of_log(placed.run, "memory_mib"), 0), placed.run.skipped.size());
    for (const auto& file : placed.run.skipped)
      skipped += fmt::format("<li>{}: {}</li>", escape(placed.name), escape(file));
  };
  for (const auto& placed : all.pretrain) add(placed);
  for (const auto& placed : all.adapt) add(placed);
  return framed(fmt::format(
                    "<table class=\"sortable\"><thead><tr><th scope=\"col\">Run</th><th "
                    "scope=\"col\" class=\"number\">Waiting for data</th><th scope=\"col\" "
                    "class=\"number\">Steps "
                    "per second</th><th scope=\"col\" class=\"number\">Memory, MiB</th><th "
                    "scope=\"col\" "
                    "class=\"number\">Files skipped</th></tr></thead><tbody>{}</tbody></table>",
                    rows),
                "Data and speed", "tall") +
         (skipped.empty()
              ? "<p class=\"note\">No run recorded a file that it left out.</p>"
              : "<div class=\"warning\">Files left out because a recipe says on_error = "
                "\"skip\":<ul>" +
                    skipped + "</ul></div>");
}

std::string or_missing(std::string html, const char* what) {
  return html.empty() ? fmt::format("<p class=\"note\">{}</p>", what) : html;
}

const char* kAboutOverlays =
    "Test cases that were drawn at the end of a run: the image, the truth over it, the prediction "
    "over it; or, of whole images, the truth as the outer frame and the prediction as the inner "
    "one.";

/// The phases side by side, as few arms allow.
void add_phases(std::vector<Section>& sections, const Collection& all,
                const std::vector<Experiment>& measured, Charts& charts) {
  if (!all.pretrain.empty()) {
    PictureBudget views(kViewBytes);
    sections.push_back(
        {"pretraining", "Pretraining",
         "Without labels. Of long curves the lowest and the highest value of each "
         "stretch are drawn.",
         or_missing(pretraining_curves(all, charts), "No run has logged a number yet.")});
    sections.push_back(
        {"views", "What pretraining saw",
         "Two views of an image, the displacement between them, true and predicted, and the moving "
         "view brought back by what each level of the network predicts. Select a picture to "
         "enlarge it.",
         or_missing(view_pictures(all, views), "No run has drawn pictures.")});
  }
  if (!all.adapt.empty())
    sections.push_back(
        {"adaptation", "Adaptation", "Training on the labelled images.",
         or_missing(adaptation_curves(measured, charts), "No run has logged a number yet.")});
}

/// A part a method, as many arms need.
void add_methods(std::vector<Section>& sections, const Collection& all,
                 const std::vector<Experiment>& measured, Charts& charts) {
  sections.push_back(
      {"methods", "Methods",
       "Open a method to see its curves in both phases, its collapse monitors, what its "
       "pretraining saw and its best and worst drawn case. Of long curves the lowest and the "
       "highest value of each stretch are drawn. The dashed line is the baseline.",
       ends_of_pretraining(all) + method_sections(all, measured, method_names(all), charts)});
}

std::string tables_of(const Collection& all, bool many) {
  std::string html;
  for (const auto& table : all.tables)
    html += (all.tables.size() > 1 ? "<h3>" + escape(table.benchmark) + "</h3>" : std::string()) +
            result_table(table, many ? method_names(all) : std::vector<std::string>());
  return html;
}

void add_results(std::vector<Section>& sections, const Collection& all,
                 const std::vector<Experiment>& measured, bool many) {
  const auto table = tables_of(all, many);
  if (!all.adapt.empty() && (!many || table.empty()))
    sections.push_back({"results", "Result",
                        "The same network and data, trained from different first weights.",
                        results(measured)});
  if (!table.empty()) sections.push_back({"table", "Table", "Select a heading to sort.", table});
  if (!all.has_benchmark) return;
  if (const auto boxes = box_plots(measured); !boxes.empty())
    sections.push_back(
        {"boxes", "Scores by case", "How the test cases of each task spread.", boxes});
}

std::vector<Section> sections_of(const Collection& all, const std::vector<Experiment>& measured,
                                 bool many, Charts& charts) {
  std::vector<Section> sections;
  add_results(sections, all, measured, many);
  sections.push_back({"runs", "What ran", "", problems_of(all) + run_table(all)});
  many ? add_methods(sections, all, measured, charts) : add_phases(sections, all, measured, charts);
  if (!all.adapt.empty()) {
    PictureBudget overlays(kOverlayBytes);
    sections.push_back({"segmentations", "Truth and prediction",
                        std::string(kAboutOverlays) +
                            (many ? " Ordered by the mean score over all methods; of these the "
                                    "best few and the baseline are shown."
                                  : " Ordered by the first arm’s score."),
                        or_missing(overlay_pictures(measured, overlays),
                                   "No finished run has drawn its test cases.")});
  }
  if (const auto html = analyses(all, charts); !html.empty())
    sections.push_back({"analyses", "Analyses", "", html});
  if (!all.adapt.empty())
    sections.push_back({"cases", "Every case",
                        "Select a heading to sort. A dash: the metric is not defined there" +
                            std::string(many ? "."
                                             : "; its reason shows when the pointer rests "
                                               "on it."),
                        or_missing(many ? case_comparison(measured) : case_tables(measured),
                                   "No run has been measured yet.")});
  sections.push_back({"data", "Data and speed", "Means over each run’s log.", data_table(all)});
  sections.push_back({"provenance", "Provenance",
                      "Each run’s recipe with where every value came from, its plug-ins and its "
                      "machine.",
                      provenance(all)});
  return sections;
}

std::string lede(const Collection& all, const std::vector<Experiment>& measured, bool many) {
  std::string text;
  if (many)
    for (const auto& table : all.tables)
      for (const auto& one : table_verdicts(table))
        text += (text.empty() ? "" : "<br>") + escape(one);
  else
    for (const auto& experiment : measured)
      text += (text.empty() ? "" : "<br>") + escape(verdict(experiment));
  if (!text.empty()) return text;
  return fmt::format("{} without a downstream measurement yet.",
                     counted(all.pretrain.size(), "pretraining run"));
}

std::string today() {
  char text[32];
  const auto now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

}  // namespace

std::string page(const Collection& all) {
  const auto measured = experiments(all);
  const auto many = all.has_benchmark && has_many_arms(measured);
  Charts charts(many ? kBucketsOfMany : kBuckets);
  const auto sections = sections_of(all, measured, many, charts);
  std::string contents, body;
  for (const auto& section : sections) {
    contents += fmt::format("<li><a href=\"#{}\">{}</a></li>", section.id, section.title);
    body +=
        fmt::format("<section id=\"{}\" aria-labelledby=\"{}-title\"><h2 id=\"{}-title\">{}</h2>",
                    section.id, section.id, section.id, section.title);
    if (!section.about.empty()) body += fmt::format("<p class=\"about\">{}</p>", section.about);
    body += section.html + "</section>";
  }
  const auto title = escape(all.title);
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"generator\" content=\"covector report\">"
      // Nothing may be fetched: the page is all there is.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
      "<link rel=\"icon\" href=\"data:,\"><title>" +
      title + " · Covector report</title><style>";
  html += kStyle;
  html +=
      "</style></head><body><a class=\"skip\" href=\"#main\">Skip to the content</a>"
      "<a class=\"skip\" href=\"#contents\">Skip to the list of sections</a>"
      "<header class=\"masthead\"><p class=\"kicker\">Covector report</p><h1>" +
      title +
      "</h1>"
      "<p class=\"lede\">" +
      lede(all, measured, many) + "</p>" + facts_of(all, measured, many) +
      "</header><nav class=\"contents\" id=\"contents\" tabindex=\"-1\" "
      "aria-label=\"Contents\"><ol>" +
      contents + "</ol></nav><main id=\"main\" tabindex=\"-1\">" + body +
      "</main><footer>Made by covector report on " + today() +
      ". Everything on this page is inside this file.</footer>"
      "<dialog aria-label=\"Enlarged picture\"><img alt=\"\"><p></p></dialog>"
      "<noscript><p class=\"warning\">The curves need JavaScript; everything else is here.</p>"
      "</noscript><script type=\"application/json\" id=\"charts\">";
  html += inside_script(charts.json());
  html += "</script><script>";
  html += kChartJs;
  html += "</script><script>";
  html += kScript;
  html += "</script></body></html>\n";
  return html;
}

}  // namespace covector::report
