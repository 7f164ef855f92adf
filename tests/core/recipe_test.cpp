#include "support/catch.h"

#include "covector/core/error.h"
#include "recipe.h"
#include "support/scratch_folder.h"

#include <toml++/toml.h>

#include <cstdlib>
#include <limits>
#include <sstream>

using namespace covector;
using covector::testing::ScratchFolder;
namespace fs = std::filesystem;

namespace {

const OptionValue& at(const OptionTable& table, const std::string& key) {
  for (const auto& option : flatten(table))
    if (option.key == key) return *option.value;
  throw std::runtime_error("no option " + key);
}

std::string text_at(const OptionTable& table, const std::string& key) {
  return to_toml(at(table, key));
}

std::string where(const OptionTable& table, const std::string& key) {
  return to_string(at(table, key).where);
}

}  // namespace

TEST_CASE("a recipe keeps the order of its text and where each value stands", "[recipe]") {
  const auto table = parse_toml(
      "kind = \"pretrain\"\n"
      "[method]\n"
      "type = \"cover\"\n"
      "groups = [4, 4.5]\n"
      "fast = true\n"
      "[backbone]\n"
      "type = \"unet\"\n",
      "r.toml");
  CHECK(table.keys() == std::vector<std::string>{"kind", "method", "backbone"});
  CHECK(where(table, "kind") == "r.toml:1:8");
  CHECK(where(table, "method.type") == "r.toml:3:8");
  CHECK(to_string(table.find("backbone")->as_table()->where) == "r.toml:6:1");
  CHECK(to_toml(table) ==
        "{ kind = \"pretrain\", method = { type = \"cover\", groups = [4, 4.5], fast = true }, "
        "backbone = { type = \"unet\" } }");
}

TEST_CASE("text that is no recipe is refused where it fails", "[recipe][errors]") {
  CHECK_THROWS_AS(parse_toml("a = \n", "r.toml"), RecipeError);
  CHECK_THROWS_WITH(parse_toml("a = 1\nb = = 2\n", "r.toml"), Catch::StartsWith("r.toml:2:5: "));
  CHECK_THROWS_WITH(parse_toml("x = 1\n[run]\nday = 2026-01-01\nat = [07:30:00]\n", "r.toml"),
                    "[run] is not valid:\n"
                    "  r.toml:3:7: dates and times are not used in recipes; write a string\n"
                    "  r.toml:4:7: dates and times are not used in recipes; write a string");
}

TEST_CASE("extends merges key by key, later over earlier", "[recipe]") {
  const ScratchFolder folder;
  folder.write("base/one.toml", "seed = 1\n[loop]\nsteps = 10\nbatch = 4\n[loop.log]\nevery = 5\n");
  folder.write("base/two.toml", "extends = \"one.toml\"\n[loop]\nbatch = 8\n");
  folder.write("base/three.toml", "groups = [1, 2]\n");
  const auto file = folder.write("mine/r.toml",
                                 "extends = [\"../base/two.toml\", \"../base/three.toml\"]\n"
                                 "groups = [3]\n[loop]\nrate = 0.1\n");
  const auto recipe = load_recipe(file);
  CHECK(to_toml(recipe.table) ==
        "{ seed = 1, loop = { steps = 10, batch = 8, log = { every = 5 }, rate = 0.1 }, "
        "groups = [3] }");
  CHECK(where(recipe.table, "loop.steps") == (folder / "base/one.toml").string() + ":3:9");
  CHECK(where(recipe.table, "loop.batch") == (folder / "base/two.toml").string() + ":3:9");
  CHECK(where(recipe.table, "loop.rate") == file.string() + ":4:8");
  CHECK(recipe.files == std::vector<fs::path>{file, folder / "base/two.toml",
                                              folder / "base/one.toml",
                                              folder / "base/three.toml"});
}

TEST_CASE("a table of another type replaces the one it extends", "[recipe]") {
  const ScratchFolder folder;
  folder.write("base.toml",
               "[method]\ntype = \"cover\"\nradius = 2\n[backbone]\ntype = \"unet\"\n"
               "depth = 5\n");
  const auto file = folder.write("r.toml",
                                 "extends = \"base.toml\"\n[method]\ntype = \"byol\"\ntau = 0.9\n"
                                 "[backbone]\ntype = \"unet\"\nwidth = 8\n");
  CHECK(to_toml(load_recipe(file).table) ==
        "{ method = { type = \"byol\", tau = 0.9 }, backbone = { type = \"unet\", depth = 5, width "
        "= 8 } }");
  CHECK(to_toml(load_recipe(file, {"method.radius=1", "method.type=cover"}).table) ==
        "{ method = { radius = 1, type = \"cover\" }, backbone = { type = \"unet\", depth = 5, "
        "width = 8 } }");
}

TEST_CASE("an override is TOML, or else a string, and says so as its place", "[recipe]") {
  const ScratchFolder folder;
  const auto file = folder.write("r.toml", "[method]\ntype = \"cover\"\nradius = 2\n");
  const auto set = [&](const std::string& value) {
    return text_at(load_recipe(file, {"method.radius=" + value}).table, "method.radius");
  };
  CHECK(set("3") == "3");
  CHECK(set("3.0") == "3.0");
  CHECK(set("true") == "true");
  CHECK(set("[1, 2]") == "[1, 2]");
  CHECK(set("\"3\"") == "\"3\"");
  CHECK(set("three") == "\"three\"");
  CHECK(set("/data/a=b#c") == "\"/data/a=b#c\"");
  CHECK(set("5 # c") == "\"5 # c\"");
  CHECK(set("1,") == "\"1,\"");
  CHECK(set("1\nseed = 2") == "\"1\\nseed = 2\"");
  CHECK(set("2026-01-01") == "\"2026-01-01\"");
  CHECK(set("") == "\"\"");

  const auto table =
      load_recipe(file, {"method.radius=3", "loop.steps=4", "method.radius=1"}).table;
  CHECK(text_at(table, "method.radius") == "1");
  CHECK(where(table, "method.radius") == "--set method.radius=1");
  CHECK(where(table, "loop.steps") == "--set loop.steps=4");
  CHECK(where(table, "method.type") == file.string() + ":2:8");
}

TEST_CASE("an override that is none is refused", "[recipe][errors]") {
  const ScratchFolder folder;
  const auto file = folder.write("r.toml", "seed = 0\n");
  CHECK_THROWS_WITH(load_recipe(file, {"radius", "=3", "a..b=1", "extends=x.toml"}),
                    "the recipe is not valid:\n"
                    "  --set radius: must be KEY=VALUE with a key like method.radius\n"
                    "  --set =3: must be KEY=VALUE with a key like method.radius\n"
                    "  --set a..b=1: must be KEY=VALUE with a key like method.radius\n"
                    "  --set extends=x.toml: 'extends' belongs in a recipe; write one that extends "
                    "both");
}

TEST_CASE("strings read the environment once all is merged", "[recipe]") {
  setenv("COVECTOR_TEST_ROOT", "/data", 1);
  unsetenv("COVECTOR_TEST_UNSET");
  const ScratchFolder folder;
  folder.write("base.toml", "[dataset]\nroot = \"${COVECTOR_TEST_UNSET}/x\"\n");
  const auto file = folder.write("r.toml",
                                 "extends = \"base.toml\"\n[dataset]\n"
                                 "root = \"${COVECTOR_TEST_ROOT}/a$b/${COVECTOR_TEST_ROOT}\"\n"
                                 "parts = [{ name = \"$${HOME}\" }]\n");
  const auto table = load_recipe(file, {"dataset.mask=${COVECTOR_TEST_ROOT}/m"}).table;
  CHECK(to_toml(table) ==
        "{ dataset = { root = \"/data/a$b//data\", parts = [{ name = \"${HOME}\" }], mask = "
        "\"/data/m\" } }");
}

TEST_CASE("a variable that is unset or misspelt is named with its place", "[recipe][errors]") {
  unsetenv("COVECTOR_TEST_UNSET");
  const ScratchFolder folder;
  const auto file = folder.write("r.toml",
                                 "name = \"${2}\"\n[dataset]\n"
                                 "root = \"${COVECTOR_TEST_UNSET}/x\"\nmask = \"${HOME\"\n");
  const auto at = [&](const std::string& place) { return file.string() + place; };
  CHECK_THROWS_WITH(
      load_recipe(file),
      "the recipe is not valid:\n  " + at(":1:8") +
          ": '${2' does not name an environment variable as ${NAME}; write '$${' for the "
          "characters '${' themselves\n[dataset] is not valid:\n  " +
          at(":3:8") +
          ": the environment variable 'COVECTOR_TEST_UNSET' is not set; set it, or give the value "
          "itself\n  " +
          at(":4:8") +
          ": '${HOME' does not name an environment variable as ${NAME}; write '$${' for the "
          "characters '${' themselves");
}

TEST_CASE("recipes that are missing or go round in a circle", "[recipe][errors]") {
  const ScratchFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  folder.write("cover-2d.toml", "seed = 0\n");
  CHECK_THROWS_WITH(
      load_recipe(folder / "cover2d.toml"),
      "there is no recipe '" + path("cover2d.toml") + "'; did you mean 'cover-2d.toml'?");
  CHECK_THROWS_WITH(load_recipe(folder.path()),
                    "'" + folder.path().string() + "' is a folder, not a recipe");

  folder.write("a.toml", "extends = \"b.toml\"\n");
  folder.write("b.toml", "seed = 1\nextends = \"./a.toml\"\n");
  CHECK_THROWS_WITH(load_recipe(folder / "a.toml"),
                    path("b.toml") + ":2:11: recipes extend each other in a circle: " +
                        path("a.toml") + " -> " + path("b.toml") + " -> " + path("a.toml"));

  const auto lost = folder.write("lost.toml", "extends = [\"cover-3d.toml\", 4]\n");
  CHECK_THROWS_WITH(load_recipe(lost),
                    "the recipe is not valid:\n  " + lost.string() +
                        ":1:29: 'extends' must be a path or an array of paths, got 4\n  " +
                        lost.string() + ":1:12: 'extends': there is no recipe '" +
                        path("cover-3d.toml") + "'; did you mean 'cover-2d.toml'?");
}

TEST_CASE("a written recipe reads back as it was", "[recipe]") {
  OptionArray chain;
  for (int i = 0; i < 6; ++i)
    chain.push_back(OptionTable{{"type", "noise"}, {"std", OptionArray{0.0, 0.02 * i}}});
  const OptionTable table{{"seed", 0},
                          {"rate", 1e-4},
                          {"whole", 2.0},
                          {"least", std::numeric_limits<std::int64_t>::min()},
                          {"text", "line\n\"quoted\" \\ \t\x01\x7f é ${HOME} $${HOME}"},
                          {"empty", OptionTable{}},
                          {"loop", OptionTable{{"deep", OptionTable{{"x", true}}}, {"steps", 7}}},
                          {"views", OptionTable{{"a b", OptionTable{{"chain", chain}}},
                                                {"none", OptionTable{{"c", OptionArray{}}}}}}};
  for (const auto provenance : {false, true}) {
    const ScratchFolder folder;
    const auto text = to_toml_document(table, provenance);
    const auto file = folder.write("r.toml", text);
    CHECK(diff(load_recipe(file).table, table).empty());
    // The library itself, not through our reader.
    const auto parsed = toml::parse(text);
    CHECK(parsed["views"]["a b"]["chain"][5]["std"][1].value<double>() == 0.02 * 5);
    CHECK(parsed["loop"]["deep"]["x"].value<bool>() == true);
    CHECK(parsed["whole"].is_floating_point());
    CHECK(parsed["text"].value<std::string>() ==
          "line\n\"quoted\" \\ \t\x01\x7f é $${HOME} $$${HOME}");
  }
}

TEST_CASE("a written recipe is pleasant to read and says where values came from", "[recipe]") {
  OptionValue radius = 3;
  radius.where = {"--set method.radius=3", 0, 0};
  OptionValue seed = 0;
  seed.where = {"r.toml", 2, 8};
  const OptionTable table{{"method", OptionTable{{"type", "cover"}, {"radius", radius}}},
                          {"seed", seed}};
  CHECK(to_toml_document(table) == "seed = 0\n\n[method]\ntype = \"cover\"\nradius = 3\n");
  CHECK(to_toml_document(table, true) ==
        "seed = 0                                    # r.toml:2:8\n\n[method]\n"
        "type = \"cover\"                              # (default)\n"
        "radius = 3                                  # --set method.radius=3\n");
}

TEST_CASE("the difference of two recipes", "[recipe]") {
  const OptionTable a{{"seed", 0}, {"loop", OptionTable{{"steps", 1}, {"batch", 2}}}};
  const OptionTable b{{"loop", OptionTable{{"batch", 2}, {"steps", 1.0}, {"rate", "x"}}}};
  std::ostringstream text;
  for (const auto& difference : diff(a, b))
    text << difference.key << ": " << difference.first << " | " << difference.second << '\n';
  CHECK(text.str() ==
        "seed: 0 | \n"
        "loop.steps: 1 | 1.0\n"
        "loop.rate:  | \"x\"\n");
  CHECK(diff(a, a).empty());
}
