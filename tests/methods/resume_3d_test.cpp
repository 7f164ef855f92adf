#include "support/catch.h"

#include "methods/method_runs.h"

using namespace covector::testing;

TEST_CASE("a 3D run of each method that goes on from its middle ends as the whole one, bit for bit",
          "[methods][resume]") {
  for (const auto& method : methods()) check_resumes(method, 3);
}
