#include "results.h"

#include "axis.h"
#include "html.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

namespace covector::report {
namespace {

constexpr std::size_t kMostRows = 1500;
constexpr std::size_t kMostCompared = 400;  // rows that hold a number an arm

std::string unit_of(const Metric& metric) {
  return metric.unit.empty() ? "" : " " + metric.unit;
}

/// Percentages differ by points.
std::string difference_unit(const Metric& metric) {
  return metric.unit == "%" ? " points" : unit_of(metric);
}

std::string interval(double low, double high, bool with_sign) {
  const auto text = [&](double x) { return with_sign ? signed_number(x) : number(x); };
  return text(low) + " to " + text(high);
}

std::string cell(const std::optional<Estimate>& e, bool with_sign) {
  if (!e) return "<td class=\"number none\" data-value=\"\">–</td>";
  const auto below =
      e->low ? "<br><small>" + interval(*e->low, *e->high, with_sign) + "</small>" : "";
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}{}</td>", e->mean,
                     with_sign ? signed_number(e->mean) : number(e->mean), below);
}

const CaseDifference* by_case(const Experiment& experiment, const Arm& arm,
                              const std::string& metric) {
  for (const auto& d : experiment.differences)
    if (d.arm == arm.name && d.metric == metric) return &d;
  return nullptr;
}

/// The difference to the baseline, by seed and, where the benchmark's table has it, by case.
std::string difference_cells(const Experiment& experiment, const Arm& arm, const Metric& metric) {
  const auto* baseline = baseline_of(experiment);
  const auto& by_cases = experiment.differences;
  if (&arm == baseline)
    return fmt::format("<td class=\"number none\" colspan=\"{}\">baseline</td>",
                       by_cases.empty() ? 1 : 2);
  auto cells = cell(over_baseline(arm, *baseline, metric.name), true);
  if (by_cases.empty()) return cells;
  const auto* d = by_case(experiment, arm, metric.name);
  return cells +
         (d ? fmt::format("<td class=\"number\" data-value=\"{}\">{}<br><small>{}</small></td>",
                          d->difference, signed_number(d->difference),
                          interval(d->low, d->high, true))
            : "<td class=\"number none\" data-value=\"\">–</td>");
}

std::string arm_row(const Experiment& experiment, const Arm& arm) {
  const auto* baseline = baseline_of(experiment);
  const auto* first = main_metric(experiment);
  const auto finished = std::count_if(arm.runs.begin(), arm.runs.end(),
                                      [](const Placed* p) { return p->run.state == "finished"; });
  auto row = fmt::format("<tr><th scope=\"row\">{}</th><td class=\"number\">{} of {}</td>",
                         escape(arm.title()), finished, arm.runs.size());
  for (const auto& metric : first ? arm.runs.front()->run.metrics : std::vector<Metric>())
    row += cell(over_seeds(arm, metric.name), false);
  if (first && arm.runs.front()->run.metrics.empty())
    row += "<td class=\"none\">no result yet</td>";
  if (first && baseline) row += difference_cells(experiment, arm, *first);
  return row + "</tr>";
}

/// How many values have no number, and why.
std::string undefined_note(const Experiment& experiment) {
  std::size_t all = 0, undefined = 0;
  std::map<std::string, std::size_t> reasons;
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs)
      for (const auto& value : placed->run.values) {
        ++all;
        if (value.value) continue;
        ++undefined;
        ++reasons[value.metric + ", " + value.note];
      }
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs)
      for (const auto& value : placed->run.set) {
        ++all;
        if (value.value) continue;
        ++undefined;
        ++reasons[value.metric + " of " + value.label + ", " + value.note];
      }
  if (undefined == 0) return {};
  std::string list;
  for (const auto& [reason, count] : reasons)
    list += fmt::format("{}{} {}", list.empty() ? "" : "; ", count, reason);
  return fmt::format(
      "<p class=\"note\">{} of {} values are not defined and left out of the means: {}.</p>",
      undefined, all, escape(list));
}

/// "AUC, sensitivity", the metrics that are of all cases together.
std::string names_of_set(const Experiment& experiment) {
  std::string names;
  for (const auto& metric : metrics_of(experiment))
    if (is_of_set(experiment, metric.name)) names += (names.empty() ? "" : ", ") + metric.name;
  return names;
}

std::string arm_table(const Experiment& experiment) {
  const auto* first = main_metric(experiment);
  if (!first)
    return "<p class=\"warning\">No run of this part has finished: there is no result yet.</p>";
  std::string head =
      "<th scope=\"col\">Began with</th><th scope=\"col\" class=\"number\">Runs done</th>";
  for (const auto& m : metrics_of(experiment))
    head += fmt::format("<th scope=\"col\" class=\"number\">{}{}</th>", escape(m.name),
                        m.unit.empty() ? "" : ", " + escape(m.unit));
  if (const auto* baseline = baseline_of(experiment)) {
    const auto over = escape(first->name + " over " + baseline->name);
    head += fmt::format("<th scope=\"col\" class=\"number\">{}, by seed</th>", over);
    if (!experiment.differences.empty())
      head += fmt::format("<th scope=\"col\" class=\"number\">{}, by case</th>", over);
  }
  std::string rows;
  for (const auto& arm : experiment.arms) rows += arm_row(experiment, arm);
  const auto of_set = names_of_set(experiment);
  return framed(
             fmt::format("<table><caption>Means over test cases, then over seeds, with 95 % "
                         "intervals below. {}Over seeds and by seed: Student’s t, differences "
                         "paired by seed. By "
                         "case: "
                         "bootstrap of the differences of cases, as in the benchmark’s "
                         "table.</caption><thead><tr>{}"
                         "</tr></thead><tbody>{}</tbody></table>",
                         of_set.empty()
                             ? ""
                             : escape(of_set) + ": of all test cases together, no mean over them. ",
                         head, rows),
             "Means of " + experiment.name) +
         undefined_note(experiment);
}

std::string class_table(const Experiment& experiment) {
  const auto* metric = main_metric(experiment);
  if (!metric) return {};
  const auto labels = labels_of(experiment, metric->name);
  // One class of a set: its value is that of the table above.
  if (labels.empty() || (labels.size() == 1 && is_of_set(experiment, metric->name))) return {};
  std::string head = "<th scope=\"col\">Class</th>", rows;
  for (const auto& arm : experiment.arms)
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", escape(arm.title()));
  const auto* baseline = baseline_of(experiment);
  const auto differs = baseline && experiment.arms.size() == 2;
  if (differs) head += "<th scope=\"col\" class=\"number\">Difference</th>";
  for (const auto& label : labels) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", escape(label));
    for (const auto& arm : experiment.arms)
      rows += cell(over_seeds(arm, metric->name, label), false);
    if (differs)
      rows += cell(over_baseline(experiment.arms.front(), *baseline, metric->name, label), true);
    rows += "</tr>";
  }
  return fmt::format("<h4>{} by class</h4>", escape(metric->name)) +
         framed(
             fmt::format("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, rows),
             metric->name + " by class");
}

std::string interval_cell(const SetValue* value) {
  if (!value || !value->value)
    return fmt::format("<td class=\"number none\" data-value=\"\" title=\"{}\">–</td>",
                       value ? escape(value->note) : "");
  const auto below =
      value->low && value->high ? interval(*value->low, *value->high, false) : escape(value->note);
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}<br><small>{}</small></td>",
                     *value->value, number(value->value), below);
}

/// The main metric of each run with its interval over cases, where it is of the set.
std::string set_table(const Experiment& experiment) {
  const auto* metric = main_metric(experiment);
  if (!metric) return {};
  const auto labels = labels_of(experiment, metric->name);
  std::string head =
      "<th scope=\"col\">Began with</th><th scope=\"col\" class=\"number\">Seed</th>";
  for (const auto& label : labels)
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", escape(label));
  std::string rows;
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs) {
      if (!is_of_set(placed->run, metric->name)) continue;
      rows += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td>",
                          escape(arm.title()), placed->run.seed);
      for (const auto& label : labels) {
        const auto& set = placed->run.set;
        const auto value = std::find_if(set.begin(), set.end(), [&](const SetValue& v) {
          return v.metric == metric->name && v.label == label;
        });
        rows += interval_cell(value == set.end() ? nullptr : &*value);
      }
      rows += "</tr>";
    }
  if (rows.empty()) return {};
  return fmt::format("<h4>{} of each run</h4>", escape(metric->name)) +
         framed(fmt::format("<table><caption>By class, with its 95 % interval over test cases."
                            "</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>",
                            head, rows),
                metric->name + " of each run");
}

// The plot of intervals: a row an arm, dots for seeds.

struct Scale {
  double low, high, left, right;
  double at(double x) const { return left + (x - low) / (high - low) * (right - left); }
};

std::string ticks(const Axis& axis, const Scale& scale, double bottom) {
  std::string svg;
  for (const auto x : axis.ticks)
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"8\" y2=\"{1}\"/>"
        "<text class=\"axis\" text-anchor=\"middle\" x=\"{0:.1f}\" y=\"{2}\">{3}</text>",
        scale.at(x), bottom, bottom + 18, number(x, axis.digits));
  return svg;
}

std::string plot_row(const Estimate& e, const std::string& name, int colour, const Scale& scale,
                     double y) {
  auto svg = fmt::format("<text x=\"0\" y=\"{:.1f}\">{}</text>", y + 5, escape(name));
  if (e.low)
    svg += fmt::format(
        "<line class=\"bar\" style=\"stroke:var(--c{})\" x1=\"{:.1f}\" x2=\"{:.1f}\" "
        "y1=\"{y:.1f}\" "
        "y2=\"{y:.1f}\"/>",
        colour % 7, scale.at(std::max(*e.low, scale.low)), scale.at(std::min(*e.high, scale.high)),
        fmt::arg("y", y));
  for (const auto x : e.numbers)
    svg += fmt::format(
        "<circle style=\"fill:var(--c{})\" fill-opacity=\".45\" r=\"4\" cx=\"{:.1f}\" "
        "cy=\"{:.1f}\"/>",
        colour % 7, scale.at(x), y);
  return svg + fmt::format(
                   "<circle style=\"fill:var(--c{})\" r=\"6.5\" cx=\"{:.1f}\" cy=\"{:.1f}\"/>"
                   "<text text-anchor=\"end\" x=\"760\" y=\"{:.1f}\">{}</text>",
                   colour % 7, scale.at(e.mean), y, y + 5, number(e.mean));
}

std::string interval_plot(const Experiment& experiment) {
  const auto* metric = main_metric(experiment);
  if (!metric) return {};
  std::vector<std::pair<const Arm*, Estimate>> rows;
  auto low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& arm : experiment.arms)
    if (const auto e = over_seeds(arm, metric->name)) {
      rows.emplace_back(&arm, *e);
      for (const auto x : e->numbers) low = std::min(low, x), high = std::max(high, x);
      if (e->low) low = std::min(low, *e->low), high = std::max(high, *e->high);
    }
  if (rows.empty()) return {};
  if (metric->unit == "%") low = std::max(low, 0.0), high = std::min(high, 100.0);
  const auto margin = std::max(0.05 * (high - low), 0.5);
  const Scale scale{low - margin, high + margin, 190, 690};
  const auto bottom = 14 + 40 * static_cast<double>(rows.size());
  auto svg = ticks(axis_between(scale.low, scale.high), scale, bottom);
  for (std::size_t i = 0; i < rows.size(); ++i)
    svg += plot_row(rows[i].second, rows[i].first->name, static_cast<int>(i), scale,
                    30 + 40 * static_cast<double>(i));
  return fmt::format(
      "<div class=\"plain\"><svg class=\"intervals\" viewBox=\"0 0 770 {}\" role=\"img\" "
      "aria-label=\"{} by what the "
      "network began with; the numbers are in the table below\">{}<text class=\"axis\" "
      "text-anchor=\"middle\" x=\"440\" y=\"{}\">{}{}: large dot mean, small dots seeds, bar 95 % "
      "interval</text></svg></div>",
      bottom + 44, escape(metric->name), svg, bottom + 38, escape(metric->name),
      metric->unit.empty() ? "" : ", " + escape(metric->unit));
}

// The table of cases.

using CaseMeans =
    std::map<std::string, std::map<std::pair<std::string, std::string>, const CaseValue*>>;

std::string value_cell(const CaseValue* value) {
  if (!value) return "<td class=\"number none\" data-value=\"\"></td>";
  if (!value->value)
    return fmt::format("<td class=\"number none\" data-value=\"\" title=\"{}\">–</td>",
                       escape(value->note));
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>", *value->value,
                     number(value->value));
}

std::optional<double> case_mean(
    const std::map<std::pair<std::string, std::string>, const CaseValue*>& row,
    const std::string& metric) {
  double sum = 0, count = 0;
  for (const auto& [key, value] : row)
    if (key.first == metric && value->value) sum += *value->value, count += 1;
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

/// What the table of cases shows of each: its own metrics, then one quantity by class: the main
/// metric, or, where that is of the set, what is kept with a case beside its metrics (its scores).
struct CaseColumns {
  std::vector<Metric> metrics;
  std::string quantity;
  std::vector<std::string> labels;
  bool called = false;  // whether cases have a class and are given one
};

CaseColumns case_columns(const Experiment& experiment) {
  CaseColumns out;
  const auto all = metrics_of(experiment);
  for (const auto& metric : all)
    if (!is_of_set(experiment, metric.name)) out.metrics.push_back(metric);
  out.quantity = all.front().name;
  const auto is_metric = [&](const CaseValue& v) {
    return std::any_of(all.begin(), all.end(), [&](const Metric& m) { return m.name == v.metric; });
  };
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs) {
      const auto& values = placed->run.values;
      const auto beside = std::find_if_not(values.begin(), values.end(), is_metric);
      if (beside != values.end() && is_of_set(experiment, all.front().name))
        out.quantity = beside->metric;
      out.called = out.called || !placed->run.called.empty();
    }
  out.labels = labels_of(experiment, out.quantity);
  return out;
}

std::string called_cells(const Run& run, const std::string& id) {
  const auto found = run.called.find(id);
  return found == run.called.end()
             ? std::string("<td></td><td></td>")
             : fmt::format("<td>{}</td><td>{}</td>", escape(found->second.truth),
                           escape(found->second.prediction));
}

std::string case_rows(const Experiment& experiment, const CaseColumns& columns,
                      std::size_t& total) {
  std::string rows;
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs) {
      CaseMeans cases;
      for (const auto& v : placed->run.values) cases[v.case_id][{v.metric, v.label}] = &v;
      for (const auto& [id, row] : cases) {
        if (++total > kMostRows) continue;
        rows += fmt::format(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\" "
            "data-value=\"{}\">{}</td>",
            escape(id), escape(arm.title()), placed->run.seed, placed->run.seed);
        if (columns.called) rows += called_cells(placed->run, id);
        for (const auto& metric : columns.metrics) {
          const auto mean = case_mean(row, metric.name);
          rows += fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>",
                              mean ? fmt::format("{}", *mean) : "", number(mean));
        }
        for (const auto& label : columns.labels) {
          const auto found = row.find({columns.quantity, label});
          rows += value_cell(found == row.end() ? nullptr : found->second);
        }
        rows += "</tr>";
      }
    }
  return rows;
}

std::string first_rows_note(std::size_t shown, std::size_t all) {
  return fmt::format(
      "<p class=\"warning\">The first {} of {} rows; all are in the runs’ metrics.json.</p>", shown,
      all);
}

/// A sortable table of cases below a field that hides the rows without the words typed there.
std::string filtered(const std::string& id, const std::string& head, const std::string& rows,
                     const std::string& classes) {
  return fmt::format(
             "<p class=\"filter\"><label for=\"{0}-filter\">Show rows with</label> <input "
             "id=\"{0}-filter\" type=\"search\" data-filters=\"{0}\" autocomplete=\"off\"> "
             "<span id=\"{0}-count\" aria-live=\"polite\"></span></p>",
             id) +
         framed(
             fmt::format("<table class=\"sortable\" id=\"{}\"><thead><tr>{}</tr></thead><tbody>{}"
                         "</tbody></table>",
                         id, head, rows),
             "Cases", classes);
}

std::string case_table(const Experiment& experiment, std::size_t index) {
  if (!main_metric(experiment)) return {};
  const auto columns = case_columns(experiment);
  std::string head =
      "<th scope=\"col\">Case</th><th scope=\"col\">Began with</th><th scope=\"col\" "
      "class=\"number\">Seed</th>";
  if (columns.called) head += "<th scope=\"col\">Truth</th><th scope=\"col\">Called</th>";
  for (const auto& m : columns.metrics)
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>",
                        escape(m.name + (m.unit.empty() ? "" : ", " + m.unit)));
  const auto of_set = columns.quantity != main_metric(experiment)->name;
  for (const auto& label : columns.labels)
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>",
                        escape((of_set ? columns.quantity + ", " : "") + label));
  std::size_t total = 0;
  const auto rows = case_rows(experiment, columns, total);
  auto html = fmt::format("<h3>{}</h3>", escape(experiment.name));
  if (total > kMostRows) html += first_rows_note(kMostRows, total);
  return html + filtered(fmt::format("cases-{}", index), head, rows, "tall");
}

/// Cases that any arm has a score of, with the scores of all.
std::map<std::string, std::vector<std::optional<double>>> scores_by_case(
    const Experiment& experiment, const Metric& metric) {
  std::map<std::string, std::vector<std::optional<double>>> cases;
  for (std::size_t i = 0; i < experiment.arms.size(); ++i)
    for (const auto& [id, score] : case_scores(experiment.arms[i], metric.name)) {
      auto& row = cases[id];
      row.resize(experiment.arms.size());
      row[i] = score;
    }
  return cases;
}

std::string compared_row(const std::string& id, const std::vector<std::optional<double>>& scores) {
  double sum = 0, count = 0;
  std::string cells;
  for (const auto& score : scores) {
    cells += score ? fmt::format("<td class=\"number\">{}</td>", number(*score))
                   : "<td class=\"number none\" data-value=\"\">–</td>";
    if (score) sum += *score, count += 1;
  }
  return fmt::format("<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td>{}</tr>", escape(id),
                     number(sum / count), cells);
}

std::string compared_cases(const Experiment& experiment, std::size_t index) {
  const auto metric = metric_of_cases(experiment);
  if (!metric) return {};
  std::string head =
      "<th scope=\"col\">Case</th><th scope=\"col\" class=\"number\">Mean of all</th>";
  for (const auto& arm : experiment.arms)
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", escape(arm.name));
  const auto cases = scores_by_case(experiment, *metric);
  std::string rows;
  std::size_t shown = 0;
  for (const auto& [id, scores] : cases)
    if (shown++ < kMostCompared) rows += compared_row(id, scores);
  auto html =
      fmt::format("<h3>{}: {}{} by case</h3>", escape(experiment.name), escape(metric->name),
                  metric->unit.empty() ? "" : ", " + escape(metric->unit));
  if (cases.size() > kMostCompared) html += first_rows_note(kMostCompared, cases.size());
  return html + filtered(fmt::format("cases-{}", index), head, rows, "tall broad upright");
}

}  // namespace

std::vector<std::string> labels_of(const Experiment& experiment, const std::string& metric) {
  std::vector<std::string> labels;
  const auto add = [&](const auto& value) {
    if (!value.label.empty() && (metric.empty() || value.metric == metric) &&
        std::find(labels.begin(), labels.end(), value.label) == labels.end())
      labels.push_back(value.label);
  };
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs) {
      for (const auto& value : placed->run.values) add(value);
      for (const auto& value : placed->run.set) add(value);
    }
  return labels;
}

bool is_of_set(const Experiment& experiment, const std::string& metric) {
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs)
      if (is_of_set(placed->run, metric)) return true;
  return false;
}

std::vector<Metric> metrics_of(const Experiment& experiment) {
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs)
      if (!placed->run.metrics.empty()) return placed->run.metrics;
  return {};
}

std::optional<Metric> metric_of_cases(const Experiment& experiment) {
  for (const auto& metric : metrics_of(experiment))
    if (!is_of_set(experiment, metric.name)) return metric;
  return std::nullopt;
}

const Metric* main_metric(const Experiment& experiment) {
  for (const auto& arm : experiment.arms)
    for (const auto* placed : arm.runs)
      if (!placed->run.metrics.empty()) return &placed->run.metrics.front();
  return nullptr;
}

const Arm* baseline_of(const Experiment& experiment) {
  if (experiment.arms.size() < 2) return nullptr;
  for (const auto& arm : experiment.arms)
    if (arm.is_baseline) return &arm;
  return nullptr;
}

std::string verdict(const Experiment& experiment) {
  const auto* metric = main_metric(experiment);
  const auto* baseline = baseline_of(experiment);
  if (!metric) return fmt::format("{}: no run has finished yet.", experiment.name);
  std::string text;
  for (const auto& arm : experiment.arms) {
    if (arm.is_baseline && baseline) continue;
    const auto own = over_seeds(arm, metric->name);
    if (!own) continue;
    text += fmt::format("{}{}: {} reached {} {}{}", text.empty() ? "" : " ", experiment.name,
                        arm.name, metric->name, number(own->mean), unit_of(*metric));
    const auto gain = baseline ? over_baseline(arm, *baseline, metric->name) : std::nullopt;
    if (!gain) {
      text += ".";
      continue;
    }
    text += fmt::format(", {}{} against {}", signed_number(gain->mean), difference_unit(*metric),
                        baseline->name);
    if (!gain->low) {
      text += "; with one seed that may be chance.";
      continue;
    }
    const auto settled = *gain->low > 0 || *gain->high < 0;
    const auto better = (gain->mean > 0) == metric->higher_is_better;
    text += fmt::format(" (95 % interval {} over {} seeds): {}.",
                        interval(*gain->low, *gain->high, true), gain->numbers.size(),
                        !settled ? "these runs do not settle whether it helps"
                        : better ? "a gain that seeds alone do not explain"
                                 : "a loss that seeds alone do not explain");
  }
  return text.empty() ? fmt::format("{}: no result yet.", experiment.name) : text;
}

std::string results(const std::vector<Experiment>& all) {
  std::string html;
  for (const auto& experiment : all)
    html += fmt::format("<h3>{}</h3>{}{}{}{}", escape(experiment.name), interval_plot(experiment),
                        arm_table(experiment), class_table(experiment), set_table(experiment));
  return html;
}

std::string case_tables(const std::vector<Experiment>& all) {
  std::string html;
  for (std::size_t i = 0; i < all.size(); ++i) html += case_table(all[i], i);
  return html;
}

std::string case_comparison(const std::vector<Experiment>& all) {
  std::string html;
  for (std::size_t i = 0; i < all.size(); ++i) html += compared_cases(all[i], i);
  return html;
}

}  // namespace covector::report
