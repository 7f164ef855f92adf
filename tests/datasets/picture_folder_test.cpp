#include "support/catch.h"

#include "covector/core/error.h"
#include "covector/datasets/image.h"
#include "covector/datasets/picture_folder.h"

#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace covector::datasets {
namespace {

std::filesystem::path fresh(const std::string& name) {
  const auto folder = std::filesystem::temp_directory_path() / name;
  std::filesystem::remove_all(folder);
  return folder;
}

TEST_CASE("PictureFolder writes pictures and lists them in order", "[picture]") {
  const auto folder = fresh("covector-picture-folder-test");
  const auto picture = torch::arange(24, torch::kUInt8).view({3, 2, 4});
  PictureFolder out(folder / "new");
  out.add("b", picture, "the first");
  out.add("a", picture, "with \"quotes\"");
  CHECK(torch::equal(read_image(folder / "new" / "b.png").pixels, picture));
  CHECK(std::filesystem::exists(folder / "new" / "a.png"));
  std::ifstream file(folder / "new" / "pictures.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  CHECK(text ==
        "[\n"
        "  {\n    \"file\": \"b.png\",\n    \"title\": \"the first\"\n  },\n"
        "  {\n    \"file\": \"a.png\",\n    \"title\": \"with \\\"quotes\\\"\"\n  }\n"
        "]\n");
  std::filesystem::remove_all(folder);
}

TEST_CASE("PictureFolder says which folder or table it cannot write", "[picture][errors]") {
  using Catch::Matchers::Contains;
  const auto folder = fresh("covector-picture-folder-error-test");
  std::filesystem::create_directories(folder / "pictures.json");
  std::ofstream(folder / "file") << "not a folder";
  CHECK_THROWS_WITH(PictureFolder(folder / "file" / "in"),
                    Contains((folder / "file" / "in").string() + ": cannot make the folder"));
  PictureFolder out(folder);
  CHECK_THROWS_WITH(out.add("a", torch::zeros({3, 1, 1}, torch::kUInt8), "a"),
                    (folder / "pictures.json").string() + ": cannot be written");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace covector::datasets
