#include "support/catch.h"

#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "manifest.h"
#include "support/scratch_folder.h"

#include <grp.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iterator>

using namespace covector;
using covector::testing::ScratchFolder;
namespace fs = std::filesystem;

namespace {

fs::path built(const std::string& name) {
  return fs::canonical(fs::path(COVECTOR_BINARY_DIR) / "lib/covector/test_plugins" /
                       (name + ".covector.so"));
}

/// A copy of a test plug-in in a folder of the test's own, with a manifest.
fs::path put(const ScratchFolder& folder, const std::string& name, const std::string& as) {
  const auto file = folder / (as + ".covector.so");
  fs::copy_file(built(name), file);
  write_manifest(file, manifest_of(file));
  return file;
}

std::string refusal(const fs::path& file) {
  Registries registries;
  PluginLoader loader(registries, {});
  try {
    loader.load(file);
  } catch (const PluginError& error) {
    CHECK(loader.loaded().empty());
    CHECK(registries.of<Command>().names().empty());
    return error.what();
  }
  return "it was let in";
}

std::string refusal_of_folder(const fs::path& folder) {
  Registries registries;
  PluginLoader loader(registries, {folder});
  try {
    loader.found();
  } catch (const PluginError& error) {
    return error.what();
  }
  return "it was let in";
}

/// Sets the search path for the length of a scope.
class SearchPath {
 public:
  explicit SearchPath(const std::string& path) {
    if (const char* before = std::getenv("COVECTOR_PLUGIN_PATH")) before_ = before;
    setenv("COVECTOR_PLUGIN_PATH", path.c_str(), 1);
  }
  ~SearchPath() { setenv("COVECTOR_PLUGIN_PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("a plug-in registers once, with its provenance", "[loader]") {
  Registries registries;
  PluginLoader loader(registries, {});
  const auto first = loader.load(built("sample"));
  loader.load(built("sample").parent_path() / "." / "sample.covector.so");
  CHECK(loader.loaded().size() == 1);
  CHECK(first.name == "sample");
  CHECK(first.version == "1.2.3");
  CHECK(first.file == built("sample"));
  const auto& entry = registries.of<Transform>().at("dim");
  CHECK(entry.from.plugin == "sample");
  CHECK(entry.from.version == "1.2.3");
  CHECK(entry.from.file == built("sample").string());
  CHECK(entry.doc.options.size() == 3);
  std::ostringstream out;
  CHECK(registries.of<Command>().create(OptionTable{{"type", "greet"}}, "")->run({"you"}, out) ==
        1);
  CHECK(out.str() == "hello you\n");
}

TEST_CASE("a file that is no plug-in of this program is refused with both sides named",
          "[loader][errors]") {
  const auto file = [](const char* name) { return built(name).string(); };
  CHECK(refusal("/no/such.covector.so") ==
        "there is no plug-in file '/no/such.covector.so': No such file or directory");
  CHECK(refusal(built("no_symbol")) == "'" + file("no_symbol") +
                                           "' is not a Covector plug-in: it does not export "
                                           "covector_plugin_info(), which COVECTOR_PLUGIN defines");
  CHECK(refusal(built("older_api")) ==
        "plug-in '" + file("older_api") +
            "' was built for plug-in API 0, this program has 1; rebuild it with this program's "
            "headers");
  CHECK(refusal(built("newer_api")) ==
        "plug-in '" + file("newer_api") +
            "' was built for plug-in API 4000, this program has 1; update this program, or rebuild "
            "the plug-in with its headers");
  CHECK(refusal(built("other_size")) ==
        "plug-in '" + file("other_size") +
            "' has a handshake of 24 bytes, this program one of 40; rebuild it with this program's "
            "headers");
  CHECK(refusal(built("other_build")) ==
        "plug-in '" + file("other_build") +
            "' was built with [libtorch 1.0.0, cxx11abi 0, gxxabi 1002], this program with "
            "[" COVECTOR_BUILD_ID "]; rebuild it with the same compiler and LibTorch");
  CHECK_THAT(refusal(built("unresolved")),
             Catch::StartsWith("cannot open plug-in '" + file("unresolved") + "': ") &&
                 Catch::Contains("covector_test_function_of_no_library"));
  const ScratchFolder folder;
  CHECK_THAT(refusal(folder.write("text.covector.so", "not a library")),
             Catch::StartsWith("cannot open plug-in '") && Catch::Contains("text.covector.so"));
}

TEST_CASE("a plug-in that fails while it registers leaves nothing behind", "[loader][errors]") {
  CHECK(refusal(built("throwing")) == "plug-in 'throwing' (" + built("throwing").string() +
                                          ") failed to register: the licence file is missing");
  CHECK(refusal(built("invalid_name")) ==
        "command of plug-in 'invalid_name' (" + built("invalid_name").string() +
            ") has the name 'Gr\u00fcezi'; a name is a small letter, then small letters, digits "
            "and '_'");
}

TEST_CASE("a name that is taken is refused with both plug-ins, and adds nothing",
          "[loader][errors]") {
  Registries registries;
  PluginLoader loader(registries, {});
  loader.load(built("sample"));
  CHECK_THROWS_WITH(loader.load(built("taken_name")),
                    "command 'greet' of plug-in 'taken_name' (" + built("taken_name").string() +
                        ") is already registered by plug-in 'sample' (" + built("sample").string() +
                        ")");
  CHECK(registries.of<Command>().names() == std::vector<std::string>{"greet"});
  CHECK(loader.loaded().size() == 1);

  const ScratchFolder folder;
  const auto copy = put(folder, "sample", "copy");
  CHECK_THROWS_WITH(loader.load(copy), "plug-in 'sample' is open already from " +
                                           built("sample").string() +
                                           "; it cannot be opened again from " + copy.string());
}

TEST_CASE("manifests tell what is there without opening it", "[loader][manifest]") {
  const ScratchFolder folder;
  const auto file = put(folder, "sample", "sample");
  fs::copy_file(built("throwing"), folder / "bare.covector.so");
  folder.write("notes.txt", "no plug-in");
  Registries registries;
  PluginLoader loader(registries, {folder.path()});
  REQUIRE(loader.found().size() == 1);
  const auto& found = loader.found()[0];
  CHECK(found.name == "sample");
  CHECK(found.version == "1.2.3");
  CHECK(found.api == kPluginApiVersion);
  CHECK(found.build == COVECTOR_BUILD_ID);
  CHECK(found.file == file);
  REQUIRE(found.provides.size() == 2);
  CHECK(found.provides[0].kind == "transform");
  CHECK(found.provides[0].name == "dim");
  CHECK(found.provides[0].summary == "Makes an image darker.");
  CHECK(found.provides[0].family == "VR");
  CHECK(found.provides[0].source == "A. Nobody, On Darkness, 1999");
  CHECK(found.provides[1].kind == "command");
  CHECK(found.provides[1].name == "greet");
  CHECK(loader.without_manifest() == std::vector<fs::path>{folder / "bare.covector.so"});
  CHECK(loader.loaded().empty());
}

TEST_CASE("a part is provided when it is asked for", "[loader][manifest]") {
  const ScratchFolder folder;
  put(folder, "sample", "sample");
  Registries registries;
  PluginLoader loader(registries, {folder.path()});
  loader.provide("transform", "dimm");
  loader.provide("method", "dim");
  CHECK(loader.loaded().empty());
  CHECK(loader.known("transform") == std::vector<std::string>{"dim"});
  loader.provide("transform", "dim");
  loader.provide("transform", "dim");
  CHECK(loader.loaded().size() == 1);
  CHECK(registries.of<Transform>().contains("dim"));
  CHECK(loader.known("transform") == std::vector<std::string>{"dim"});

  Problems problems;
  CHECK(loader.provide("command", OptionTable{{"type", "greet"}}, "a", problems));
  CHECK(problems.empty());
  CHECK_FALSE(loader.provide("transform", OptionTable{{"type", "dimm"}}, "a", problems));
  CHECK_FALSE(loader.provide("transform", OptionTable{{"type", 3}}, "b", problems));
  CHECK_FALSE(loader.provide("transform", OptionTable{}, "c", problems));
  CHECK(problems.text() ==
        "[a] is not valid:\n  (default): unknown transform 'dimm'; did you mean 'dim'?\n"
        "[b] is not valid:\n  (default): needs a string 'type'\n"
        "[c] is not valid:\n  (default): needs a string 'type'");
}

TEST_CASE("manifests that do not fit their plug-in are refused with the remedy",
          "[loader][manifest][errors]") {
  const ScratchFolder folder;
  const auto file = put(folder, "sample", "sample");
  const auto manifest = manifest_of(file);
  const auto remedy =
      "; remake it with: covector-manifest " + file.string() + " " + manifest.string();
  const auto written = [&] {
    std::ifstream in(manifest);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();

  // Names a part that is not in the plug-in.
  auto text = written;
  text.replace(text.find("\"dim\""), 5, "\"dam\"");
  folder.write("sample.covector.json", text);
  Registries registries;
  PluginLoader loader(registries, {folder.path()});
  CHECK_THROWS_WITH(loader.provide("transform", "dam"),
                    "manifest '" + manifest.string() +
                        "' promises transform 'dam', which plug-in '" + file.string() +
                        "' does not provide" + remedy);

  // Rebuilt since.
  folder.write("sample.covector.json", written);
  std::ofstream(file, std::ios::app) << "more";
  fs::last_write_time(file, fs::last_write_time(manifest) + std::chrono::seconds(1));
  CHECK(refusal_of_folder(folder.path()) ==
        "manifest '" + manifest.string() + "' is older than its plug-in" + remedy);

  // Torn, and of another shape.
  folder.write("sample.covector.json", written.substr(0, written.size() / 2));
  CHECK_THAT(refusal_of_folder(folder.path()),
             Catch::StartsWith("manifest '" + manifest.string() + "' is not valid: ") &&
                 Catch::EndsWith(remedy));
  folder.write("sample.covector.json", "{\"plugin\": 3}");
  CHECK_THAT(refusal_of_folder(folder.path()),
             Catch::StartsWith("manifest '" + manifest.string() + "' is not valid: ") &&
                 Catch::EndsWith(remedy));

  fs::remove(file);
  CHECK(refusal_of_folder(folder.path()) ==
        "manifest '" + manifest.string() +
            "' stands alone: its plug-in is gone; remove it or rebuild the plug-in");
}

TEST_CASE("two files that provide one name are refused with both", "[loader][manifest][errors]") {
  const ScratchFolder a;
  const ScratchFolder b;
  const auto sample = put(a, "sample", "sample");
  const auto taken = put(b, "taken_name", "taken_name");
  Registries registries;
  PluginLoader loader(registries, {a.path(), b.path()});
  CHECK_THROWS_WITH(loader.found(), "command 'greet' is provided twice, by plug-in 'sample' (" +
                                        sample.string() + ") and by plug-in 'taken_name' (" +
                                        taken.string() +
                                        "); remove one of them from the plug-in folders");
}

TEST_CASE("folders and files that others may write are refused", "[loader][path][errors]") {
  const ScratchFolder folder;
  const auto file = put(folder, "sample", "sample");
  const auto manifest = manifest_of(file);
  const auto danger = [](const fs::path& path) {
    return ", and could make this program run their code: run 'chmod go-w " + path.string() + "'";
  };
  CHECK(refusal_of_folder(folder.path()) == "it was let in");
  using fs::perms;
  fs::permissions(folder.path(), perms::all);
  CHECK(refusal_of_folder(folder.path()) == "plug-in folder '" + folder.path().string() +
                                                "' is refused: every user may write to it" +
                                                danger(folder.path()));
  fs::permissions(folder.path(), perms::all | perms::sticky_bit);
  CHECK_THAT(refusal_of_folder(folder.path()), Catch::Contains("every user may write to it"));
  fs::permissions(folder.path(), perms::owner_all);

  fs::permissions(file, perms::all);
  CHECK(refusal_of_folder(folder.path()) ==
        "plug-in '" + file.string() + "' is refused: every user may write to it" + danger(file));
  fs::permissions(file, perms::owner_all);
  fs::permissions(manifest, perms::all);
  CHECK(refusal_of_folder(folder.path()) == "manifest '" + manifest.string() +
                                                "' is refused: every user may write to it" +
                                                danger(manifest));
}

TEST_CASE("a plug-in that a group or another user may change is refused",
          "[loader][path][errors]") {
  if (geteuid() != 0) {
    WARN("skipped: only root can give files away");
    return;
  }
  const ScratchFolder folder;
  const auto file = put(folder, "sample", "sample");
  using fs::perms;
  fs::permissions(file, perms::owner_all | perms::group_all);
  const auto group_of = [](gid_t id) { return std::string(getgrgid(id)->gr_name); };
  REQUIRE(chown(file.c_str(), 0, 1) == 0);
  CHECK(refusal_of_folder(folder.path()) ==
        "plug-in '" + file.string() + "' is refused: members of the group '" + group_of(1) +
            "' may write to it, and could make this program run their code: run 'chmod go-w " +
            file.string() + "'");
  REQUIRE(chown(file.c_str(), 0, 0) == 0);  // root's own group
  CHECK(refusal_of_folder(folder.path()) == "it was let in");
  REQUIRE(chown(file.c_str(), 65534, 0) == 0);
  fs::permissions(file, perms::owner_all);
  CHECK_THAT(refusal_of_folder(folder.path()),
             Catch::StartsWith("plug-in '" + file.string() + "' is refused: it belongs to '") &&
                 Catch::EndsWith("', who is neither you ('root') nor root; copy it to a folder of "
                                 "yours"));
}

TEST_CASE("a link out of the plug-in folders is refused, one inside is not",
          "[loader][path][errors]") {
  const ScratchFolder outside;
  const ScratchFolder folder;
  const auto file = put(outside, "sample", "sample");
  const auto link = folder / "sample.covector.so";
  fs::create_symlink(file, link);
  CHECK(refusal_of_folder(folder.path()) ==
        "plug-in '" + link.string() + "' is refused: it is a link to '" + file.string() +
            "', outside the plug-in folders; put the file itself there, or add its folder to "
            "COVECTOR_PLUGIN_PATH");
  fs::remove(link);
  fs::copy_file(built("sample"), folder / "sample.covector.so");
  fs::create_symlink(manifest_of(file), folder / "sample.covector.json");
  CHECK_THAT(refusal_of_folder(folder.path()), Catch::Contains("outside the plug-in folders"));
}

TEST_CASE("the search path never means the working directory", "[loader][path][errors]") {
  const ScratchFolder folder;
  const auto given = folder.path().string();
  {
    const SearchPath path(given + ":" + given);
    CHECK(PluginLoader::search_path().at(0) == folder.path());
    const auto folders = PluginLoader::search_path();
    CHECK(std::count(folders.begin(), folders.end(), folder.path()) == 1);
  }
  for (const auto& empty : {":" + given, given + ":", given + "::" + given}) {
    const SearchPath path(empty);
    CHECK_THROWS_WITH(PluginLoader::search_path(),
                      "COVECTOR_PLUGIN_PATH has an empty entry, which would mean the working "
                      "directory; plug-ins are never searched there: remove the extra ':'");
  }
  {
    const SearchPath path("plugins");
    CHECK_THROWS_WITH(PluginLoader::search_path(),
                      "COVECTOR_PLUGIN_PATH: 'plugins' is relative; plug-ins are never searched "
                      "from the working directory: give the whole path");
  }
  const SearchPath path(given + "/gone");
  CHECK_THROWS_WITH(PluginLoader::search_path(), "COVECTOR_PLUGIN_PATH: there is no folder '" +
                                                     given +
                                                     "/gone'; correct the path or remove it");
}
