#include "support/catch.h"

#include "support/process.h"
#include "support/scratch_folder.h"

#include <nlohmann/json.hpp>

#include <algorithm>

using Catch::Contains;
using Catch::StartsWith;
using covector::testing::Finished;
using covector::testing::run_process;
using covector::testing::ScratchFolder;
using covector::testing::text_of;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr double kQuick = 1.5;  // seconds; the sanitizer makes everything slower
#else
constexpr double kQuick = 0.5;
#endif

using Words = std::vector<std::string>;

const fs::path kPrograms = fs::path(COVECTOR_BINARY_DIR) / "bin";

const std::string kSmoke = std::string(COVECTOR_SOURCE_DIR) + "/recipes/smoke";
const std::string kNoData = "COVECTOR_SMOKE_DATA=/no/data";  // the commands below read none

/// Runs the program with the plug-ins of this folder besides the installed ones.
Finished program(const Words& words, const std::string& plugins, Words environment = {}) {
  environment.push_back("COVECTOR_PLUGIN_PATH=" + plugins);
  environment.push_back("OMP_NUM_THREADS=1");
  return run_process(kPrograms / "covector", words, environment);
}

/// A folder with the sound test plug-in and the manifest that covector-manifest makes.
class SamplePlugins {
 public:
  SamplePlugins() {
    const auto file = folder_ / "sample.covector.so";
    fs::copy_file(fs::path(COVECTOR_BINARY_DIR) / "lib/covector/test_plugins/sample.covector.so",
                  file);
    made_ = run_process(kPrograms / "covector-manifest",
                        {file.string(), (folder_ / "sample.covector.json").string()}, {});
  }
  const Finished& made() const { return made_; }
  std::string path() const { return folder_.path().string(); }
  const ScratchFolder& folder() const { return folder_; }

 private:
  ScratchFolder folder_;
  Finished made_;
};

/// One for all tests: each costs a process.
const SamplePlugins& sample() {
  static const SamplePlugins plugins;
  return plugins;
}

}  // namespace

TEST_CASE("covector-manifest writes what a plug-in provides", "[cli][manifest]") {
  CHECK(sample().made().error.empty());
  REQUIRE(sample().made().code == 0);
  const auto manifest = json::parse(text_of(sample().folder() / "sample.covector.json"));
  CHECK(manifest["plugin"] == "sample");
  CHECK(manifest["version"] == "1.2.3");
  CHECK(manifest["api"] == 1);
  CHECK(manifest["provides"].size() == 2);
  CHECK(manifest["provides"][0] == json{{"kind", "transform"},
                                        {"name", "dim"},
                                        {"summary", "Makes an image darker."},
                                        {"family", "VR"},
                                        {"source", "A. Nobody, On Darkness, 1999"},
                                        {"reconstruction", ""}});
}

TEST_CASE("covector-manifest refuses what is no plug-in", "[cli][manifest][errors]") {
  const auto wrong = run_process(kPrograms / "covector-manifest", {"/no.covector.so", "x"}, {});
  CHECK(wrong.code == 3);
  CHECK(wrong.error ==
        "covector-manifest: error: there is no plug-in file '/no.covector.so': No such file or "
        "directory\n");
  const auto usage = run_process(kPrograms / "covector-manifest", {}, {});
  CHECK(usage.code == 2);
  CHECK_THAT(usage.error, StartsWith("usage: covector-manifest NAME.covector.so"));
}

TEST_CASE("--help lists the commands, those of plug-ins too, and is quick", "[cli]") {
  const auto help = program({"--help"}, sample().path());
  CHECK(help.code == 0);
  CHECK(help.error.empty());
  for (const auto* command :
       {"run", "check", "explain", "diff", "plugins", "predict", "import", "export", "bench"})
    CHECK_THAT(help.output, Contains(std::string("\n  ") + command + " "));
  CHECK_THAT(help.output, Contains("commands of plug-ins:\n") && Contains("\n  greet "));
  // Of the processor, so that a busy machine makes no difference.
  CHECK(help.processor_seconds < kQuick);
}

TEST_CASE("every command has its --help", "[cli]") {
  const std::vector<std::pair<std::string, std::string>> usages{
      {"run", "covector run RECIPE [OPTION]..."},
      {"check", "covector check RECIPE [OPTION]..."},
      {"explain", "covector explain RECIPE [OPTION]..."},
      {"diff", "covector diff RECIPE OTHER [OPTION]..."},
      {"plugins", "covector plugins [NAME] [OPTION]..."},
      {"predict", "covector predict RUN IMAGE... [OPTION]..."},
      {"import", "covector import RECIPE FILE [OPTION]..."},
      {"export", "covector export RUN FILE [OPTION]..."},
      {"bench", "covector bench RECIPE [OPTION]..."},
      {"greet", "covector greet [NAME]..."}};
  for (const auto& [command, usage] : usages) {
    const auto help = program({command, "--help"}, sample().path());
    CHECK(help.code == 0);
    CHECK_THAT(help.output, StartsWith("usage: " + usage + "\n"));
  }
}

TEST_CASE("--version says what plug-ins must agree with", "[cli]") {
  const auto version = program({"--version"}, sample().path());
  CHECK(version.code == 0);
  CHECK_THAT(version.output, StartsWith("covector 0.1.0 (plug-in API 1; libtorch "));
}

TEST_CASE("a command of a plug-in gets its words and gives the exit code", "[cli]") {
  const auto greeting = program({"greet", "Ada", "Grace"}, sample().path());
  CHECK(greeting.output == "hello Ada Grace\n");
  CHECK(greeting.code == 2);
}

TEST_CASE("what is not a command or an option is answered with the nearest", "[cli][errors]") {
  const auto none = program({}, sample().path());
  CHECK(none.code == 2);
  CHECK_THAT(none.error, StartsWith("usage: covector COMMAND"));
  const auto command = program({"explian", "r.toml"}, sample().path());
  CHECK(command.code == 2);
  CHECK(command.error == "covector: error: unknown command 'explian'; did you mean 'explain'?\n");
  const auto option = program({"run", "r.toml", "--thread", "2"}, sample().path());
  CHECK(option.code == 2);
  CHECK(option.error ==
        "covector: error: covector run: unknown option '--thread'; did you mean '--threads'?; see "
        "'covector run --help'\n");
  const auto missing = program({"predict", "runs/a"}, sample().path());
  CHECK(missing.code == 2);
  CHECK_THAT(missing.error, StartsWith("covector: error: covector predict: ") &&
                                Contains("'--output' is required"));
}

TEST_CASE("wrong words of commands are told apart", "[cli][errors]") {
  const auto recipe = program({"check"}, sample().path());
  CHECK(recipe.code == 2);
  CHECK(recipe.error ==
        "covector: error: covector check: RECIPE is missing; see 'covector check --help'\n");
  const auto more = program({"diff", "a", "b", "c"}, sample().path());
  CHECK(more.code == 2);
  CHECK(more.error ==
        "covector: error: covector diff: more words than it takes; see 'covector diff --help'\n");
  const auto number = program({"bench", "r.toml", "--steps", "many"}, sample().path());
  CHECK(number.code == 2);
  CHECK_THAT(number.error, Contains("('many')") && Contains("'--steps' is invalid"));
  const auto top = program({"--helf"}, sample().path());
  CHECK(top.code == 2);
  CHECK(top.error == "covector: error: unknown option '--helf'; did you mean '--help'?\n");
}

TEST_CASE("a recipe that is not there", "[cli][errors]") {
  const ScratchFolder folder;
  folder.write("cover.toml", "seed = 0\n");
  const auto file = (folder / "covr.toml").string();
  const auto finished = program({"check", file}, sample().path());
  CHECK(finished.code == 2);
  CHECK(finished.output.empty());
  CHECK(finished.error ==
        "covector: error: there is no recipe '" + file + "'; did you mean 'cover.toml'?\n");
}

TEST_CASE("plugins lists what the manifests say and is quick", "[cli]") {
  const auto list = program({"plugins"}, sample().path());
  CHECK(list.code == 0);
  CHECK_THAT(list.output, StartsWith("kind ") && Contains("Makes an image darker.") &&
                              Contains(sample().path() + "/sample.covector.so"));
  CHECK(list.processor_seconds < kQuick);

  const auto commands = program({"plugins", "--kind", "transform", "--json"}, sample().path());
  CHECK(commands.code == 0);
  const auto rows = json::parse(commands.output);
  const auto dim =
      std::find_if(rows.begin(), rows.end(), [](const json& row) { return row["name"] == "dim"; });
  REQUIRE(dim != rows.end());
  CHECK((*dim)["plugin"] == "sample");
  CHECK((*dim)["file"] == sample().path() + "/sample.covector.so");
  for (const auto& row : rows) CHECK(row["kind"] == "transform");
}

TEST_CASE("plugins tells which plug-ins were built for something else", "[cli]") {
  const ScratchFolder folder;
  const auto file = folder / "sample.covector.so";
  fs::copy_file(sample().folder() / "sample.covector.so", file);
  auto manifest = json::parse(text_of(sample().folder() / "sample.covector.json"));
  manifest["api"] = 0;
  folder.write("sample.covector.json", manifest.dump());
  const auto list = program({"plugins"}, folder.path().string());
  CHECK(list.code == 0);
  CHECK_THAT(list.output, Contains("note: plug-in '" + file.string() +
                                   "' was built for plug-in API 0, this program has 1; rebuild it "
                                   "with this program's headers\n"));
}

TEST_CASE("plugins NAME shows a part with its options", "[cli]") {
  const auto shown = program({"plugins", "dim"}, sample().path());
  CHECK(shown.code == 0);
  CHECK(shown.output ==
        "transform 'dim' of plug-in 'sample' 1.2.3 (" + sample().path() +
            "/sample.covector.so)\n"
            "  Makes an image darker.\n"
            "  family: VR\n"
            "  source: A. Nobody, On Darkness, 1999\n"
            "  departure: the paper dims twice | this dims once\n"
            "\n"
            "  option  type     default  unit  must be                     meaning\n"
            "  factor  number   0.5            between 0.0 and 1.0         what is left of the "
            "light\n"
            "  rounds  integer           step  at least 1                  how often\n"
            "  form    string   \"paper\"        one of \"paper\", \"released\"  which form\n");
  const auto whole = json::parse(program({"plugins", "sample", "--json"}, sample().path()).output);
  REQUIRE(whole.size() == 2);
  CHECK(whole[0]["options"][1] == json{{"name", "rounds"},
                                       {"type", "integer"},
                                       {"default", ""},
                                       {"unit", "step"},
                                       {"constraint", "at least 1"},
                                       {"doc", "how often"}});
  CHECK(whole[1]["name"] == "greet");
}

TEST_CASE("plugins answers names and kinds that do not exist", "[cli][errors]") {
  const auto part = program({"plugins", "dimm"}, sample().path());
  CHECK(part.code == 2);
  CHECK(part.error ==
        "covector: error: no plug-in and no part is named 'dimm'; did you mean 'dim'?\n");
  const auto kind = program({"plugins", "--kind", "transfrom"}, sample().path());
  CHECK(kind.code == 2);
  CHECK(kind.error == "covector: error: unknown kind 'transfrom'; did you mean 'transform'?\n");
}

TEST_CASE("plugins --markdown writes the reference and nothing else", "[cli]") {
  const ScratchFolder folder;
  folder.write("notes.md", "mine\n");
  const auto written = program({"plugins", "--markdown", folder.path().string()}, sample().path());
  CHECK(written.error.empty());
  REQUIRE(written.code == 0);
  const auto read = [&](const char* name) { return text_of(folder / name); };
  CHECK_THAT(
      read("transform-dim.md"),
      StartsWith("<!-- Made by `covector plugins --markdown`; change the source, not this "
                 "page. -->\n"
                 "# transform `dim`\n\nPlug-in `sample` 1.2.3\n\nMakes an image darker.\n") &&
          Contains("- the paper dims twice | this dims once\n") &&
          Contains("| rounds | integer |  | step | at least 1 | how often |\n"));
  CHECK_THAT(read("command-greet.md"), Contains("```\nusage: covector greet [NAME]...\n```\n"));
  CHECK_THAT(read("README.md"),
             Contains("## transform\n") &&
                 Contains("- [`dim`](transform-dim.md) Makes an image darker.\n"));
  CHECK_THAT(read("recipe.md"),
             Contains("## `[loop]`") && Contains("## `[optimiser]` with `type = \"adam\"`"));
  CHECK(read("notes.md") == "mine\n");

  folder.write("README.md", "my own\n");
  const auto refused = program({"plugins", "--markdown", folder.path().string()}, sample().path());
  CHECK(refused.code == 1);
  CHECK(refused.error == "covector: error: '" + (folder / "README.md").string() +
                             "' was not written by this command and would be replaced; move it "
                             "away or choose another folder\n");
  CHECK(read("README.md") == "my own\n");
}

TEST_CASE("a plug-in folder that is refused stops commands, not --help", "[cli][errors]") {
  const auto plugins = program({"plugins"}, "here");
  const auto why =
      "COVECTOR_PLUGIN_PATH: 'here' is relative; plug-ins are never searched from the working "
      "directory: give the whole path\n";
  CHECK(plugins.code == 3);
  CHECK(plugins.error == std::string("covector: error: ") + why);
  const auto help = program({"--help"}, "here");
  CHECK(help.code == 0);
  CHECK_THAT(help.output, Contains(std::string("The commands of plug-ins are not known: ") + why));
}

TEST_CASE("the allocator is the system's on request", "[cli]") {
  CHECK(program({"--version"}, sample().path(), {"COVECTOR_MALLOC=system"}).code == 0);
  const auto wrong = program({"--version"}, sample().path(), {"COVECTOR_MALLOC=fast"});
  CHECK(wrong.code == 2);
  CHECK(wrong.error ==
        "covector: error: COVECTOR_MALLOC must be 'system' or not set, got 'fast'\n");
}

TEST_CASE("check says what would be run, or all that is wrong", "[cli][recipe]") {
  const auto good = program({"check", kSmoke + "/cover.toml"}, sample().path(), {kNoData});
  CHECK(good.error.empty());
  CHECK(good.code == 0);
  CHECK_THAT(good.output, StartsWith(kSmoke + "/cover.toml: a valid recipe of kind pretrain\n"));

  const auto bad = program({"check", kSmoke + "/cover.toml", "-s", "method.radus=3", "--set",
                            "loop.steps=many", "-s", "backbone.type=unt"},
                           sample().path(), {kNoData});
  CHECK(bad.code == 2);
  CHECK(bad.output.empty());
  CHECK(bad.error ==
        "covector: error: [backbone] is not valid:\n"
        "  --set backbone.type=unt: unknown backbone 'unt'; did you mean 'unet'?\n"
        "[method] is not valid:\n"
        "  --set method.radus=3: unknown option 'radus'; did you mean 'radius'?\n"
        "[loop] is not valid:\n"
        "  --set loop.steps=many: 'steps' must be integer, got \"many\"\n");
}

TEST_CASE("explain shows each value and where it came from", "[cli][recipe]") {
  const Words words{"explain", kSmoke + "/cover.toml", "-s", "loop.steps=3"};
  const auto text = program(words, sample().path(), {kNoData});
  CHECK(text.code == 0);
  CHECK_THAT(text.output,
             Contains("\n[loop]\nsteps = 3 ") && Contains(" # --set loop.steps=3\n") &&
                 Contains("\nradius = 2                                  # (default)\n"));
  auto json_words = words;
  json_words.push_back("--json");
  const auto rows = json::parse(program(json_words, sample().path(), {kNoData}).output);
  const auto row = [&](const std::string& key) {
    const auto hit =
        std::find_if(rows.begin(), rows.end(), [&](const json& r) { return r["key"] == key; });
    return hit == rows.end() ? json() : *hit;
  };
  CHECK(row("loop.steps") ==
        json{{"key", "loop.steps"}, {"value", 3}, {"from", "--set loop.steps=3"}});
  CHECK(row("method.radius") ==
        json{{"key", "method.radius"}, {"value", 2}, {"from", "(default)"}});
  CHECK(row("method.type")["from"].get<std::string>().starts_with(kSmoke + "/cover.toml:"));
}

TEST_CASE("diff compares recipes with their defaults", "[cli][recipe]") {
  const ScratchFolder folder;
  const auto base = kSmoke + "/cover.toml";
  const auto same = folder.write("same.toml", "extends = \"" + base + "\"\n[method]\nradius = 2\n");
  const auto other =
      folder.write("other.toml", "extends = \"" + base + "\"\n[method]\nradius = 1\n");
  const auto none = program({"diff", base, same.string()}, sample().path(), {kNoData});
  CHECK(none.code == 0);
  CHECK(none.output == "The recipes say the same.\n");
  const auto text = program({"diff", base, other.string()}, sample().path(), {kNoData});
  CHECK(text.code == 0);
  CHECK(text.output ==
        "--- " + base + "\n+++ " + other.string() + "\n- method.radius = 2\n+ method.radius = 1\n");
  const auto rows = program({"diff", base, other.string(), "--json"}, sample().path(), {kNoData});
  CHECK(json::parse(rows.output) ==
        json::array({{{"key", "method.radius"}, {"first", "2"}, {"second", "1"}}}));
}
