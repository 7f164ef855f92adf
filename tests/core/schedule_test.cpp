#include "support/catch.h"

#include "schedule.h"

using namespace covector;

namespace {

std::shared_ptr<Schedule> schedule(const OptionTable& options) {
  return schedules().create(options, "schedule");
}

}  // namespace

TEST_CASE("the constant schedule, with a linear warm-up", "[schedule]") {
  const auto plain = schedule({{"type", "constant"}});
  CHECK(plain->rate(0.4, 0, 100) == 0.4);
  CHECK(plain->rate(0.4, 99, 100) == 0.4);
  const auto warm = schedule({{"type", "constant"}, {"warmup_steps", 4}});
  CHECK(warm->rate(0.4, 0, 100) == Approx(0.1));
  CHECK(warm->rate(0.4, 2, 100) == Approx(0.3));
  CHECK(warm->rate(0.4, 3, 100) == 0.4);
  CHECK(warm->rate(0.4, 4, 100) == 0.4);
}

TEST_CASE("the cosine schedule by hand", "[schedule]") {
  // cos(0) = 1, cos(pi / 3) = 1/2, cos(pi / 2) = 0 of the way from 1.0 down to 0.2
  const auto cosine = schedule({{"type", "cosine"}, {"min_lr", 0.2}});
  CHECK(cosine->rate(1.0, 0, 12) == Approx(1.0));
  CHECK(cosine->rate(1.0, 4, 12) == Approx(0.2 + 0.8 * 0.75));
  CHECK(cosine->rate(1.0, 6, 12) == Approx(0.6));
  CHECK(cosine->rate(1.0, 12, 12) == Approx(0.2));
  // with 6 steps of warm-up the curve lies over the other 12
  const auto warm = schedule({{"type", "cosine"}, {"warmup_steps", 6}});
  CHECK(warm->rate(1.0, 2, 18) == Approx(0.5));
  CHECK(warm->rate(1.0, 6, 18) == Approx(1.0));
  CHECK(warm->rate(1.0, 12, 18) == Approx(0.5));
}

TEST_CASE("the step schedule by hand", "[schedule]") {
  const auto steps = schedule({{"type", "step"},
                               {"milestones", OptionArray{10, 20}},
                               {"factor", 0.5},
                               {"warmup_steps", 2}});
  CHECK(steps->rate(8.0, 0, 30) == Approx(4.0));
  CHECK(steps->rate(8.0, 9, 30) == 8.0);
  CHECK(steps->rate(8.0, 10, 30) == 4.0);
  CHECK(steps->rate(8.0, 19, 30) == 4.0);
  CHECK(steps->rate(8.0, 20, 30) == 2.0);
}

TEST_CASE("milestones out of order are refused", "[schedule][errors]") {
  CHECK_THROWS_WITH(schedule({{"type", "step"}, {"milestones", OptionArray{20, 10}}}),
                    "[schedule] is not valid:\n"
                    "  (default): 'milestones' must be in ascending order");
}
