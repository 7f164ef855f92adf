#include "analyses.h"

#include "axis.h"
#include "html.h"
#include "pictures.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace covector::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uintmax_t kPictureBytes = 1'500'000;  // of all analyses
constexpr std::size_t kMostPoints = 1500;            // of a panel's scatter plot
constexpr std::size_t kMostRows = 300;               // of a table

std::string note(const std::string& text) {
  return "<p class=\"note\">" + escape(text) + "</p>";
}

std::string curves(const Json& json, Charts& charts) {
  std::string figures;
  for (const auto& panel : json.at("panels")) {
    Chart chart{panel.at("title"), panel.at("y"), panel.at("y"), panel.at("y_log"), {}};
    chart.x = panel.at("x");
    chart.x_logarithmic = panel.at("x_log");
    for (const auto& line : panel.at("lines")) {
      std::vector<Point> points;
      for (const auto& point : line.at("points")) points.push_back({point.at(0), point.at(1)});
      const auto colour = static_cast<int>(chart.series.size());
      chart.series.push_back(
          {line.at("name"), thinned(points, charts.buckets()), colour, false, false});
    }
    figures += charts.add(std::move(chart));
  }
  return "<div class=\"charts\">" + figures + "</div>";
}

/// A panel's points, a colour a class; every n-th where there are many.
std::string scatter_panel(const Json& panel, const Json& classes, Charts& charts) {
  Chart chart{panel.at("title"), panel.at("note"), panel.at("y"), false, {}};
  chart.x = panel.at("x");
  chart.scattered = true;
  for (const auto& name : classes)
    chart.series.push_back({name, {}, static_cast<int>(chart.series.size()), false, false});
  const auto& points = panel.at("points");
  const auto stride = (points.size() + kMostPoints - 1) / kMostPoints;
  auto low = std::numeric_limits<double>::infinity(), high = -low;
  for (std::size_t i = 0; i < points.size(); i += stride) {
    const Point point{points[i].at(0), points[i].at(1)};
    chart.series.at(points[i].at(2)).points.push_back(point);
    low = std::min({low, point.step, point.value});
    high = std::max({high, point.step, point.value});
  }
  if (panel.at("line") == "identity" && low < high)
    chart.series.push_back(
        {"equal", {{low, low}, {high, high}}, static_cast<int>(classes.size()), false, true});
  auto html = charts.add(std::move(chart));
  if (stride > 1)
    html += note(fmt::format("Of {} points one in {} is drawn.", points.size(), stride));
  return "<div>" + html + "</div>";
}

std::string scatter(const Json& json, Charts& charts) {
  std::string figures;
  for (const auto& panel : json.at("panels"))
    figures += scatter_panel(panel, json.at("classes"), charts);
  return "<div class=\"charts\">" + figures + "</div>";
}

std::optional<double> number_of(const Json& json) {
  return json.is_number() ? std::optional(json.get<double>()) : std::nullopt;
}

Axis axis_of_bars(const Json& bars) {
  double low = 0, high = 0;  // bars begin at 0
  for (const auto& bar : bars)
    for (const auto& value : bar.at("values")) {
      low = std::min(low, number_of(value).value_or(0));
      high = std::max(high, number_of(value).value_or(0));
    }
  return axis_over(low, high, "");
}

/// The bars of one name, a thin one a group.
std::string bar_drawing(const Axis& axis, const Json& bar) {
  const auto& values = bar.at("values");
  const auto height = 84.0 / static_cast<double>(std::max<std::size_t>(1, values.size()));
  std::string marks, spoken = bar.at("name");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = number_of(values[i]);
    spoken += " " + significant(value);
    if (!value) continue;
    marks += fmt::format(
        "<rect style=\"fill:var(--c{})\" x=\"{:.2f}%\" width=\"{:.2f}%\" y=\"{:.1f}%\" "
        "height=\"{:.1f}%\"/>",
        i % 7, std::min(axis.at(0), axis.at(*value)), std::abs(axis.at(*value) - axis.at(0)),
        8 + height * static_cast<double>(i), 0.9 * height);
  }
  return row_drawing(axis, marks, spoken);
}

std::string number_cell(const std::optional<double>& value) {
  return value ? fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>", *value,
                             significant(value))
               : std::string("<td class=\"number none\" data-value=\"\">–</td>");
}

std::string bar_panel(const Json& panel) {
  const auto axis = axis_of_bars(panel.at("bars"));
  std::string head, rows;
  int colour = 0;
  for (const auto& group : panel.at("groups"))
    head += fmt::format("<th scope=\"col\" class=\"number\" style=\"--key:var(--c{})\">{}</th>",
                        colour++ % 7, escape(group.get<std::string>()));
  for (const auto& bar : panel.at("bars")) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"drawing\">{}</td>",
                        escape(bar.at("name").get<std::string>()), bar_drawing(axis, bar));
    for (const auto& value : bar.at("values")) rows += number_cell(number_of(value));
    rows += "</tr>";
  }
  const std::string title = panel.at("title");
  return framed(fmt::format("<table class=\"sortable drawn keyed\"><caption>{}: {}</caption><thead>"
                            "<tr><th scope=\"col\">Of</th><td class=\"drawing\">{}</td>{}</tr>"
                            "</thead><tbody>{}</tbody></table>",
                            escape(title), escape(panel.at("y").get<std::string>()),
                            axis_drawing(axis), head, rows),
                title);
}

std::string bars(const Json& json) {
  std::string html;
  for (const auto& panel : json.at("panels")) html += bar_panel(panel);
  return html;
}

std::string pictures(const Json& json, const std::filesystem::path& folder, PictureBudget& budget) {
  std::string html;
  for (const auto& row : json.at("rows")) {
    const std::string title = row.at("title");
    std::string figures;
    for (const auto& picture : row.at("pictures")) {
      const std::filesystem::path file = picture.at("file").get<std::string>();
      const std::string caption = picture.at("title");
      // Only what lies beside the document: it is data, not a way to read other files.
      const auto outside = file.is_absolute() || *file.lexically_normal().begin() == "..";
      figures += outside ? note(file.string() + " lies outside the folder of the analysis.")
                         : budget.figure(folder / file, escape(caption), title + ", " + caption);
    }
    html += fmt::format("<h4>{}</h4><div class=\"pictures\">{}</div>", escape(title), figures);
  }
  return html + budget.left_out();
}

std::string table(const Json& json, const std::string& title) {
  std::string head, body;
  for (const auto& column : json.at("columns"))
    head += fmt::format("<th scope=\"col\">{}</th>", escape(column.get<std::string>()));
  const auto& rows = json.at("rows");
  for (std::size_t i = 0; i < std::min(kMostRows, rows.size()); ++i) {
    body += "<tr>";
    for (const auto& cell : rows[i])
      body += cell.is_string() ? "<td>" + escape(cell.get<std::string>()) + "</td>"
                               : number_cell(number_of(cell));
    body += "</tr>";
  }
  auto html = framed(fmt::format("<table class=\"sortable\"><thead><tr>{}</tr></thead><tbody>{}"
                                 "</tbody></table>",
                                 head, body),
                     title, json.at("columns").size() > 8 ? "tall broad" : "tall");
  if (rows.size() > kMostRows)
    html += note(fmt::format("The first {} of {} rows.", kMostRows, rows.size()));
  return html;
}

std::string drawing_of(const Analysis& analysis, const Json& json, Charts& charts,
                       PictureBudget& budget) {
  if (analysis.kind == "curves") return curves(json, charts);
  if (analysis.kind == "bars") return bars(json);
  if (analysis.kind == "scatter") return scatter(json, charts);
  if (analysis.kind == "pictures") return pictures(json, analysis.folder, budget);
  if (analysis.kind == "table") return table(json, analysis.title);
  return note("This version draws no analysis of the kind '" + analysis.kind + "'.");
}

std::string analysis_html(const Analysis& analysis, Charts& charts, PictureBudget& budget) {
  auto html = fmt::format("<h3>{}</h3><p class=\"about\">{}</p>", escape(analysis.title),
                          escape(analysis.about));
  try {
    const auto json = Json::parse(analysis.text);
    html += drawing_of(analysis, json, charts, budget);
    if (json.contains("table"))
      html += "<details><summary>The numbers</summary>" +
              table(json.at("table"), analysis.title + ", the numbers") + "</details>";
  } catch (const std::exception& error) {
    // A class that does not exist is as wrong as a key that is missing.
    html += fmt::format("<p class=\"warning\">{} is not what an analysis writes: {}</p>",
                        escape((analysis.folder / (analysis.name + ".json")).string()),
                        escape(error.what()));
  }
  return html;
}

}  // namespace

std::string analyses(const Collection& all, Charts& charts) {
  PictureBudget budget(kPictureBytes);
  std::string html;
  for (const auto& analysis : all.analyses) html += analysis_html(analysis, charts, budget);
  return html;
}

}  // namespace covector::report
