#include "boxes.h"

#include "axis.h"
#include "html.h"
#include "results.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace covector::report {
namespace {

struct BoxRow {
  const Arm* arm;
  Box box;
};

std::vector<BoxRow> rows_of(const Experiment& experiment, const Metric& metric) {
  std::vector<BoxRow> rows;
  for (const auto& arm : experiment.arms) {
    std::vector<double> numbers;
    for (const auto& item : case_scores(arm, metric.name)) numbers.push_back(item.second);
    if (const auto box = box_of(std::move(numbers))) rows.push_back({&arm, *box});
  }
  return rows;
}

Axis axis_of(const std::vector<BoxRow>& rows, const Metric& metric) {
  auto low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& [arm, box] : rows) {
    low = std::min({low, box.low_whisker, box.outside.empty() ? low : box.outside.front()});
    high = std::max({high, box.high_whisker, box.outside.empty() ? high : box.outside.back()});
  }
  return axis_over(low, high, metric.unit);
}

std::string box_drawing(const Axis& axis, const BoxRow& row) {
  const auto& box = row.box;
  auto marks =
      svg_line(axis.at(box.low_whisker), axis.at(box.low_quartile), "50%", "50%", "whisker") +
      svg_line(axis.at(box.high_quartile), axis.at(box.high_whisker), "50%", "50%", "whisker");
  for (const auto end : {box.low_whisker, box.high_whisker})
    marks += svg_line(axis.at(end), axis.at(end), "35%", "65%", "whisker");
  marks += fmt::format(
      "<rect class=\"box{}\" x=\"{:.2f}%\" width=\"{:.2f}%\" y=\"22%\" height=\"56%\"/>",
      row.arm->is_baseline ? " baseline" : "", axis.at(box.low_quartile),
      axis.at(box.high_quartile) - axis.at(box.low_quartile));
  marks += svg_line(axis.at(box.median), axis.at(box.median), "15%", "85%", "median");
  std::string drawn;  // points that fall on one place are drawn once
  for (const auto x : box.outside) {
    auto point = fmt::format("<circle r=\"2.5\" cx=\"{:.1f}%\" cy=\"50%\"/>", axis.at(x));
    if (point != drawn) marks += point;
    drawn = std::move(point);
  }
  const auto spoken = fmt::format("median {}, quartiles {} and {}, {}", number(box.median),
                                  number(box.low_quartile), number(box.high_quartile),
                                  counted(box.outside.size(), "point") + " outside");
  return row_drawing(axis, marks, spoken);
}

std::string number_cell(double value) {
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>", value, number(value));
}

std::string table_row(const Axis& axis, const BoxRow& row) {
  const auto& box = row.box;
  auto html = fmt::format("<tr><th scope=\"row\">{}</th><td class=\"drawing\">{}</td>",
                          escape(row.arm->title()), box_drawing(axis, row));
  for (const auto x :
       {box.median, box.low_quartile, box.high_quartile, box.low_whisker, box.high_whisker})
    html += number_cell(x);
  return html + fmt::format("<td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
                            box.outside.size(), box.count);
}

std::string box_plot(const Experiment& experiment) {
  const auto metric = metric_of_cases(experiment);
  if (!metric) return {};
  const auto rows = rows_of(experiment, *metric);
  if (rows.empty()) return {};
  const auto axis = axis_of(rows, *metric);
  std::string body, head;
  for (const auto& row : rows) body += table_row(axis, row);
  for (const auto* title :
       {"Median", "Lower quartile", "Upper quartile", "Whisker from", "to", "Outside", "Cases"})
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", title);
  const auto title = metric->name + (metric->unit.empty() ? "" : ", " + metric->unit);
  return fmt::format("<h3>{}</h3>", escape(experiment.name)) +
         framed(
             fmt::format("<table class=\"sortable drawn\"><caption>{} by case{}.</caption><thead>"
                         "<tr><th scope=\"col\">Began with</th><td class=\"drawing\">{}</td>{}"
                         "</tr></thead><tbody>{}</tbody></table>",
                         escape(title),
                         metric->higher_is_better ? "; more is better" : "; less is better",
                         axis_drawing(axis), head, body),
             experiment.name + ", " + metric->name + " by case", "broad");
}

}  // namespace

std::string box_plots(const std::vector<Experiment>& all) {
  std::string html;
  for (const auto& experiment : all) html += box_plot(experiment);
  if (html.empty()) return {};
  return "<p class=\"note\">A row holds one score a test case: the mean over its labels, then over "
         "seeds. The box goes from the lower to the upper quartile, by linear interpolation "
         "between "
         "the sorted scores, with a line at the median. Whiskers end at the last scores within 1.5 "
         "times the length of the box; each score beyond is a point. The numbers stand "
         "beside.</p>" +
         html;
}

}  // namespace covector::report
