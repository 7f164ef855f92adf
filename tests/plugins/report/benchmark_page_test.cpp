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

/// The part of a body from the start of a section to that of the next.
std::string section_of(const std::string& body, const std::string& id) {
  const auto begin = body.find("<section id=\"" + id + "\"");
  REQUIRE(begin != std::string::npos);
  return body.substr(begin, body.find("<section ", begin + 1) - begin);
}

TEST_CASE("a large benchmark's page is small enough to be sent", "[report]") {
  const ScratchFolder folder;
  testing::make_large_benchmark(folder / "table1");
  CHECK(page(collect({folder / "table1"})).size() < 15'000'000);
}

TEST_CASE("a large benchmark's page has its table, with marks and footnotes", "[report]") {
  const ScratchFolder folder;
  testing::make_large_benchmark(folder / "table1");
  const auto body = testing::body_of(page(collect({folder / "table1"})));
  CHECK_THAT(body, Contains("organs: cover is first with DSC 78.0 %, +8.0 against scratch. Of 18 "
                            "rows compared with scratch, 12 are better, 0 worse, and 6 the cases "
                            "do not tell apart."));
  const auto table = section_of(body, "table");
  CHECK(count(table, "<tr><th scope=\"row\">") == 19);
  CHECK_THAT(table,
             Contains("<a href=\"#method-18\">cover</a></th>"
                      "<td class=\"number\" data-value=\"78\"><strong>78.0</strong><br>"
                      "<small>75.0 to 81.0; ± 1.5</small></td>"
                      "<td class=\"number\" data-value=\"8\">+8.0<br><small>+6.0 to +10.0; "
                      "p &lt; 0.001</small></td><td class=\"number\" data-value=\"98\">98.0</td>"));
  CHECK_THAT(table, Contains("<em>77.0</em>"));
  CHECK_THAT(table, Contains("63.0<sup><a href=\"#mark-0-a\" aria-label=\"footnote a\">a</a>"));
  CHECK_THAT(table, Contains("<b>a</b> Not as most of its column: pretraining loop.steps: 100, "
                             "others 400.") &&
                        Contains("<li>the paper, Table 1</li>") &&
                        Contains("pixpro lacks vessels (2D average)") && Contains(">not run</td>"));
}

TEST_CASE("of two rows the worse is not marked as the second best", "[report]") {
  const ScratchFolder folder;
  testing::make_benchmark(folder / "demo");
  const auto table = section_of(testing::body_of(page(collect({folder / "demo"}))), "table");
  CHECK_THAT(table, Contains("<strong>69.2</strong>") && Contains(">66.6<") && !Contains("<em>"));
}

TEST_CASE("a large benchmark's page has box plots of scores by case", "[report]") {
  const ScratchFolder folder;
  testing::make_large_benchmark(folder / "table1");
  const auto boxes = section_of(testing::body_of(page(collect({folder / "table1"}))), "boxes");
  // Row 18 has liver 78 + seed: a case i below 5 scores (79 + i + 60 + i) / 2 on average, case 5
  // 79 + 5. Of 69.5, 70.5, 71.5, 72.5, 73.5 and 84 the quartiles are 70.5 + 0.25 and 72.5 + 0.75;
  // 84 is more than 1.5 * 2.5 above.
  CHECK_THAT(boxes, Contains("median 72.00, quartiles 70.75 and 73.25, 1 point outside"));
  CHECK_THAT(boxes, Contains("data-value=\"69.5\">69.50</td><td class=\"number\" "
                             "data-value=\"73.5\">73.50</td><td class=\"number\">1</td>"
                             "<td class=\"number\">6</td>"));
  CHECK(count(boxes, "<svg height=\"30\"") == 19 + 18);
}

TEST_CASE("a large benchmark's page has a part for each method", "[report]") {
  const ScratchFolder folder;
  testing::make_large_benchmark(folder / "table1");
  const auto body = testing::body_of(page(collect({folder / "table1"})));
  const auto methods = section_of(body, "methods");
  CHECK(count(methods, "<details class=\"method\"") == 19);
  CHECK_THAT(methods, Contains("aria-label=\"Collapse level over the steps: h, z\""));
  // At step 400: 0.4 - 0.2, 0.6 - 0.4 and 2 + 4.
  CHECK_THAT(methods, Contains("<td>h 0.20, z 0.20</td><td>h 6.00</td>"));
  CHECK_THAT(methods, Contains("scratch trains nothing"));
  // Cases by method: case 0 of scratch has liver 60 + seed and aorta 60.
  CHECK_THAT(section_of(body, "cases"), Contains("<td class=\"number\">60.50</td>"));
}

TEST_CASE("what failed or is missing in a benchmark is said with its reason", "[report]") {
  const ScratchFolder folder;
  testing::make_large_benchmark(folder / "table1");
  const auto body = testing::body_of(page(collect({folder / "table1"})));
  CHECK_THAT(section_of(body, "runs"),
             Contains("adapt/pixpro/vessels/seed-0 is missing: not begun") &&
                 Contains("adapt/gemini/vessels/seed-2 is failed at step 60 of 200: the loss is "
                          "not finite at step 60"));
  // 19 pretrainings and 19 x 2 x 3 cells but for three that did not run.
  CHECK(count(section_of(body, "provenance"), "<details>") == 19 + 19 * 2 * 3 - 3);
}

TEST_CASE("a pretraining that failed is the reason of its missing cells", "[report]") {
  const ScratchFolder folder;
  testing::make_benchmark(folder / "demo");
  fs::remove_all(folder / "demo/adapt/cover");
  testing::write_text(folder / "demo/pretrain/cover/status.json",
                      R"({"state": "failed", "step": 7, "steps": 400, "error": "disk full"})");
  const auto all = collect({folder / "demo"});
  REQUIRE(all.missing.size() == 3);
  CHECK(all.missing[2].name == "adapt/cover/organs/seed-2");
  CHECK(all.missing[2].reason == "its pretraining pretrain/cover is failed: disk full");
}

TEST_CASE("Chromium shows a large benchmark at the width of a desk and of a phone",
          "[report][browser]") {
  if (testing::has_no_browser()) return;
  const ScratchFolder folder;
  testing::make_large_benchmark(folder / "table1");
  const auto html = page(collect({folder / "table1"}));
  // Sorts the scores of the first task by median, twice, as Enter on the focused heading does.
  const std::string sort =
      "(() => { const table = document.querySelector('#boxes table');"
      " const button = table.tHead.rows[0].cells[2].querySelector('button');"
      " const first = () => table.tBodies[0].rows[0].cells[0].textContent;"
      " button.focus(); button.click(); const up = first(); button.click();"
      " return [up, first(), button.parentElement.getAttribute('aria-sort'),"
      " document.activeElement === button].join(' '); })()";
  for (const auto width : {1200, 390}) {
    const auto check = testing::checked_page(folder, html, width, sort);
    INFO(width << ": " << check.dump());
    CHECK(check.at("failures").empty());
    CHECK(check.at("brokenImages") == 0);
    CHECK(check.at("charts") == count(html, "<canvas data-chart="));
    CHECK(check.at("emptyCharts") == 0);
    CHECK(check.at("flatCharts") == 0);
    CHECK(check.at("duplicateIds").empty());
    CHECK(check.at("wide") == false);
    CHECK(check.at("said") == "scratch cover descending true");
  }
}

}  // namespace
}  // namespace covector::report
