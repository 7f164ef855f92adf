#include "support/catch.h"
#include "support/scratch_folder.h"

#include "covector/datasets/picture.h"
#include "covector/datasets/registration_pictures.h"
#include "covector/datasets/view_pictures.h"

#include <torch/types.h>

#include <fstream>
#include <sstream>

namespace covector::datasets {
namespace {

TEST_CASE("a registration is drawn as the warped image and arrows on the fixed one", "[picture]") {
  torch::manual_seed(1);
  const auto fixed = torch::rand({2, 1, 30, 40});
  const auto warped = torch::rand({2, 1, 30, 40});
  const auto displacement = torch::full({2, 2, 30, 40}, 3.0);
  const testing::ScratchFolder folder;
  PictureFolder out(folder.path());
  add_registration(out, {"b", "a", fixed, warped, displacement}, 1);
  for (const auto* name : {"1-b-on-a.png", "1-dvf-b-on-a.png"})
    CHECK(std::filesystem::exists(folder / name));
  std::ifstream file(folder / "pictures.json");
  std::stringstream table;
  table << file.rdbuf();
  CHECK_THAT(table.str(),
             Catch::Contains("b, warped onto a") && Catch::Contains("where a reads b"));
}

}  // namespace
}  // namespace covector::datasets
