#include "support/catch.h"

#include "covector/datasets/file_search.h"

using namespace covector::datasets;

TEST_CASE("names are ordered as people count", "[files]") {
  CHECK(natural_less("case2", "case10"));
  CHECK_FALSE(natural_less("case10", "case2"));
  CHECK(natural_less("a9b2", "a9b10"));
  CHECK(natural_less("a", "a1"));
  CHECK(natural_less("x007", "x8"));
  CHECK(natural_less("01", "1"));
  CHECK_FALSE(natural_less("1", "1"));
}
