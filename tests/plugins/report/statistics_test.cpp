#include "support/catch.h"

#include "statistics.h"

#include <cmath>

namespace covector::report {
namespace {

Run measured(std::vector<CaseValue> values) {
  Run run;
  run.metrics = {{"DSC", "%", true}};
  run.values = std::move(values);
  return run;
}

Placed placed(const std::string& arm, std::int64_t seed, double value) {
  Placed out;
  out.run = measured({{"a", "DSC", "liver", value, ""}});
  out.run.seed = seed;
  out.arm = arm;
  out.experiment = "organs";
  out.is_baseline = arm == "scratch";
  return out;
}

TEST_CASE("the interval of a mean is Student's t", "[report]") {
  const auto e = estimate({1, 2, 3});
  REQUIRE(e);
  CHECK(e->mean == 2.0);
  // Deviation 1, three numbers, two degrees of freedom: 4.302653 in the tables of t at 0.975.
  CHECK(*e->high - e->mean == Approx(4.302653 / std::sqrt(3.0)).epsilon(1e-6));
  CHECK(e->mean - *e->low == Approx(4.302653 / std::sqrt(3.0)).epsilon(1e-6));
  CHECK_FALSE(estimate({}));
  CHECK_FALSE(estimate({5})->low);
}

TEST_CASE("the mean of a run is over cases of means over labels", "[report]") {
  const auto run = measured({{"a", "DSC", "liver", 80, ""},
                             {"a", "DSC", "aorta", 60, ""},
                             {"b", "DSC", "liver", 90, ""},
                             {"b", "DSC", "aorta", std::nullopt, "absent"},
                             {"c", "DSC", "liver", std::nullopt, "absent"}});
  CHECK(*mean_of(run, "DSC") == Approx((70.0 + 90.0) / 2));
  CHECK(*mean_of(run, "DSC", "liver") == Approx(85.0));
  CHECK(*mean_of(run, "DSC", "aorta") == Approx(60.0));
  CHECK_FALSE(mean_of(run, "HD95"));
}

TEST_CASE("a metric of all cases together has the mean of its labels, if each has a value",
          "[report]") {
  auto run = measured({});
  run.set = {{"AUC", "virus", 80, {}, {}, ""}, {"AUC", "bacteria", 90, {}, {}, ""}};
  CHECK(*mean_of(run, "AUC") == 85.0);
  CHECK(*mean_of(run, "AUC", "virus") == 80.0);
  CHECK_FALSE(mean_of(run, "AUC", "normal"));
  run.set[0].value.reset();
  CHECK_FALSE(mean_of(run, "AUC"));
  CHECK(*mean_of(run, "AUC", "bacteria") == 90.0);
}

TEST_CASE("arms are grouped by experiment, baselines last, runs by seed", "[report]") {
  Collection all;
  all.adapt = {placed("scratch", 1, 70), placed("cover", 1, 75), placed("cover", 0, 73),
               placed("scratch", 0, 72), placed("cover", 2, 99)};
  const auto found = experiments(all);
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].arms.size() == 2);
  CHECK(found[0].arms[0].name == "cover");
  CHECK(found[0].arms[1].is_baseline);
  CHECK(found[0].arms[0].runs[0]->run.seed == 0);
  // Seed 2 has no partner: differences 1 and 5.
  const auto gain = over_baseline(found[0].arms[0], found[0].arms[1], "DSC");
  REQUIRE(gain);
  CHECK(gain->numbers == std::vector<double>{1, 5});
  CHECK(gain->mean == 3.0);
  CHECK(over_seeds(found[0].arms[0], "DSC")->numbers.size() == 3);
}

TEST_CASE("quartiles by linear interpolation, whiskers within 1.5 times the box", "[report]") {
  // Places 0.25 * 5 = 1.25, 2.5 and 3.75 of six numbers: 2 + 0.25 * (4 - 2), (4 + 5) / 2 and
  // 5 + 0.75 * (7 - 5). The box is 4 long, so whiskers reach from -3.5 to 12.5 at the most.
  const auto box = box_of({20, 5, 1, 7, 2, 4});
  REQUIRE(box);
  CHECK(box->count == 6);
  CHECK(box->low_quartile == 2.5);
  CHECK(box->median == 4.5);
  CHECK(box->high_quartile == 6.5);
  CHECK(box->low_whisker == 1);
  CHECK(box->high_whisker == 7);
  CHECK(box->outside == std::vector<double>{20});
  // numpy.quantile([0.1, 3.7, 3.8, 9.2, 11.5, 40], [0.05, 0.9]) of NumPy's default, "linear".
  CHECK(quantile({0.1, 3.7, 3.8, 9.2, 11.5, 40}, 0.05) == Approx(1.0).epsilon(1e-12));
  CHECK(quantile({0.1, 3.7, 3.8, 9.2, 11.5, 40}, 0.9) == Approx(25.75).epsilon(1e-12));
}

TEST_CASE("a number at the very end of a whisker's reach is inside", "[report]") {
  // Of 0, 1, 2, 3 and 6 the quartiles are 1 and 3, so the reach ends at 3 + 1.5 * 2 = 6.
  const auto box = box_of({0, 1, 2, 3, 6});
  CHECK(box->high_whisker == 6);
  CHECK(box->outside.empty());
  CHECK(box_of({0, 1, 2, 3, 6.01})->outside == std::vector<double>{6.01});
}

TEST_CASE("boxes of one number and of none", "[report]") {
  const auto one = box_of({3});
  REQUIRE(one);
  CHECK(one->low_whisker == 3);
  CHECK(one->median == 3);
  CHECK(one->high_quartile == 3);
  CHECK_FALSE(box_of({}));
}

TEST_CASE("the score of a case is over its labels, then over the seeds that have one", "[report]") {
  Placed a, b;
  a.run = measured({{"x", "DSC", "liver", 80, ""}, {"x", "DSC", "aorta", 60, ""}});
  b.run = measured({{"x", "DSC", "liver", 90, ""},
                    {"x", "DSC", "aorta", std::nullopt, "absent"},
                    {"y", "DSC", "liver", 50, ""}});
  const Arm arm{"cover", false, "", {&a, &b}};
  CHECK(case_scores(arm, "DSC") ==
        std::map<std::string, double>{{"x", (70 + 90) / 2.0}, {"y", 50}});
  CHECK(case_scores(arm, "HD95").empty());
}

TEST_CASE("thinning keeps every spike", "[report]") {
  std::vector<Point> points;
  for (int i = 0; i < 10000; ++i) points.push_back({static_cast<double>(i), 1.0});
  points[4321].value = 50;
  points[7777].value = -50;
  const auto thin = thinned(points, 100);
  CHECK(thin.size() <= 200);
  const auto has = [&](double step, double value) {
    for (const auto& p : thin)
      if (p.step == step && p.value == value) return true;
    return false;
  };
  CHECK(has(4321, 50));
  CHECK(has(7777, -50));
  for (std::size_t i = 1; i < thin.size(); ++i) CHECK(thin[i - 1].step < thin[i].step);
  CHECK(thinned({{1, 2}, {3, 4}}, 100).size() == 2);
}

}  // namespace
}  // namespace covector::report
