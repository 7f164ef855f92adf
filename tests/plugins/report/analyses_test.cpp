#include "support/catch.h"

#include "page.h"
#include "plugins/report/browser.h"
#include "plugins/report/made_up_runs.h"
#include "support/scratch_folder.h"

namespace covector::report {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::count;
using testing::ScratchFolder;

/// The page of a small benchmark with one analysis.
std::string page_with(const ScratchFolder& folder, const std::string& analysis) {
  testing::make_benchmark(folder / "demo");
  testing::write_text(folder / "demo/analysis/a.json", analysis);
  return page(collect({folder / "demo"}));
}

TEST_CASE("curves of an analysis are drawn panel by panel, with the numbers", "[report]") {
  const ScratchFolder folder;
  const auto html = page_with(folder, R"({"title": "Reach", "about": "Cost <over> reach.",
    "kind": "curves", "panels": [
      {"title": "Time", "x": "reach, voxels", "y": "ms", "x_log": true, "y_log": true,
       "lines": [{"name": "VPA", "points": [[1, 2], [10, 3]]},
                 {"name": "Direct", "points": [[1, 2], [10, 300]]}]}],
    "table": {"columns": ["reach", "VPA"], "rows": [["1", 2], ["10", null]]}})");
  const auto body = testing::body_of(html);
  CHECK_THAT(body, Contains("<h3>Reach</h3><p class=\"about\">Cost &lt;over&gt; reach.</p>"));
  CHECK_THAT(body, Contains("aria-label=\"Time over the reach, voxels: VPA, Direct\""));
  CHECK_THAT(html, Contains(R"("x":"reach, voxels","x_logarithmic":true,"scattered":false,)"
                            R"("logarithmic":true)") &&
                       Contains(R"("points":[[1.0,2.0],[10.0,300.0]])"));
  CHECK_THAT(body, Contains("<td>10</td><td class=\"number none\" data-value=\"\">–</td>"));
}

TEST_CASE("bars of an analysis begin at 0 and stand beside their numbers", "[report]") {
  const ScratchFolder folder;
  const auto body = testing::body_of(page_with(folder, R"({"title": "Dispersion", "about": "",
    "kind": "bars", "panels": [{"title": "Organs", "y": "1 - cosine", "groups": ["within", "across"],
      "bars": [{"name": "cover", "values": [0.5, 1.0]}, {"name": "none", "values": [null, 0.25]}]}]})"));
  // The axis goes from -0.04 to 1.04: 0 lies at 4 / 108, and 0.5 is 50 / 108 of it.
  CHECK_THAT(body, Contains("<rect style=\"fill:var(--c0)\" x=\"3.70%\" width=\"46.30%\""));
  CHECK_THAT(body, Contains("aria-label=\"none – 0.25\""));
  CHECK_THAT(body, Contains("<td class=\"number\" data-value=\"0.5\">0.5</td>"));
}

TEST_CASE("points of an analysis have a colour a class", "[report]") {
  const ScratchFolder folder;
  const auto html = page_with(folder, R"({"title": "Features", "about": "", "kind": "scatter",
    "classes": ["background", "liver"], "panels": [{"title": "cover", "note": "KL 1.2", "x": "",
      "y": "", "line": "identity", "points": [[0, 1, 0], [2, 3, 1], [-1, 0, 1]]}]})");
  CHECK_THAT(testing::body_of(html), Contains("aria-label=\"cover: background, liver, equal\""));
  CHECK_THAT(html, Contains(R"({"name":"liver","colour":1,"faint":false,"dashed":false,)"
                            R"("points":[[2.0,3.0],[-1.0,0.0]]})") &&
                       Contains(R"("points":[[-1.0,-1.0],[3.0,3.0]])"));
}

TEST_CASE("pictures of an analysis come from its own folder", "[report]") {
  const ScratchFolder folder;
  testing::make_benchmark(folder / "demo");
  fs::create_directories(folder / "demo/analysis/vectors");
  fs::copy(folder / "demo/pretrain/cover/images/step-000000400/0-fixed.png",
           folder / "demo/analysis/vectors/one.png");
  testing::write_text(folder / "demo/analysis/vectors.json", R"({"title": "Vectors", "about": "",
    "kind": "pictures", "rows": [{"title": "Case 1", "pictures": [
      {"file": "vectors/one.png", "title": "level 0"},
      {"file": "../../secret.png", "title": "x"}]}]})");
  const auto body = testing::body_of(page(collect({folder / "demo"})));
  CHECK_THAT(body, Contains("alt=\"Case 1, level 0\"") &&
                       Contains("../../secret.png lies outside the folder of the analysis."));
}

TEST_CASE("an analysis that cannot be drawn says so, the others are drawn", "[report]") {
  const ScratchFolder folder;
  const auto broken = [&](const std::string& text) {
    return testing::body_of(page_with(folder, text));
  };
  CHECK_THAT(broken(R"({"title": "A", "kind": "curves"})"),
             Contains("a.json is not what an analysis writes: "));
  CHECK_THAT(broken(R"({"title": "A", "kind": "scatter", "classes": ["x"], "panels": [{"title": "",
               "note": "", "x": "", "y": "", "line": "none", "points": [[0, 0, 7]]}]})"),
             Contains("a.json is not what an analysis writes: "));
  CHECK_THAT(broken(R"({"title": "A", "kind": "poem"})"),
             Contains("This version draws no analysis of the kind &#39;poem&#39;."));
  CHECK_THAT(broken("{"), Contains("a.json cannot be read: "));
}

TEST_CASE("a large table and many points are bounded, and say so", "[report]") {
  const ScratchFolder folder;
  nlohmann::json table{{"title", "T"}, {"kind", "table"}, {"columns", {"a", "b"}}};
  nlohmann::json points{{"title", "P"}, {"kind", "scatter"}, {"classes", {"x", "y"}}};
  nlohmann::json panel{{"title", "p"}, {"note", ""}, {"x", ""}, {"y", ""}, {"line", "none"}};
  for (int i = 0; i < 301; ++i) table["rows"].push_back({"row", i});
  for (int i = 0; i < 3001; ++i) panel["points"].push_back({i, i, i % 2});
  points["panels"].push_back(panel);
  testing::make_benchmark(folder / "demo");
  testing::write_text(folder / "demo/analysis/points.json", points.dump());
  testing::write_text(folder / "demo/analysis/table.json", table.dump());
  const auto body = testing::body_of(page(collect({folder / "demo"})));
  CHECK(count(body, "<tr><td>row</td>") == 300);
  CHECK_THAT(body, Contains("The first 300 of 301 rows.") &&
                       Contains("Of 3001 points one in 3 is drawn."));
}

}  // namespace
}  // namespace covector::report
