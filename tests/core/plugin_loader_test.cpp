#include "support/catch.h"

#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "manifest.h"
#include "support/process.h"
#include "support/scratch_folder.h"

#include <grp.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

using namespace covector;
using covector::testing::run_process;
using covector::testing::ScratchFolder;
using covector::testing::text_of;
namespace fs = std::filesystem;

namespace {

fs::path built(const std::string& name) {
  return fs::canonical(fs::path(COVECTOR_BINARY_DIR) / "lib/covector/test_plugins" /
                       (name + ".covector.so"));
}

/// A copy of a test plug-in in a folder of the test's own, with a manifest.
fs::path put(const ScratchFolder& folder, const std::string& name) {
  const auto file = folder / (name + ".covector.so");
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

TEST_CASE("a plug-in that was built for something else is refused before any of it runs",
          "[loader][errors]") {
  // Each of these ends the process as soon as it is opened.
  const auto file = [](const char* name) { return built(name).string(); };
  CHECK(refusal(built("older_api")) ==
        "plug-in '" + file("older_api") +
            "' was built for plug-in API 0, this program has 1; rebuild it with this program's "
            "headers");
  CHECK(refusal(built("newer_api")) ==
        "plug-in '" + file("newer_api") +
            "' was built for plug-in API 4000, this program has 1; update this program, or rebuild "
            "the plug-in with its headers");
  CHECK(refusal(built("other_build")) ==
        "plug-in '" + file("other_build") +
            "' was built with [libtorch 1.0.0, cxx11abi 0, gxxabi 1002], this program with "
            "[" COVECTOR_BUILD_ID "]; rebuild it with the same compiler and LibTorch");
  CHECK(refusal(built("no_note")) ==
        "'" + file("no_note") +
            "' is no Covector plug-in: it has no note of what it was built for, which "
            "COVECTOR_PLUGIN leaves; register its parts with that, or remove it");

  // Asked for by a name that its manifest tells.
  const ScratchFolder folder;
  const auto copy = folder / "older_api.covector.so";
  fs::copy_file(built("older_api"), copy);
  folder.write("older_api.covector.json",
               "{\"plugin\": \"older_api\", \"version\": \"1\", \"api\": 0, "
               "\"build\": \"of old\", \"bytes\": 0, \"provides\": [{\"kind\": \"transform\", "
               "\"name\": \"fade\", \"summary\": \"\", \"family\": \"\", \"source\": \"\", "
               "\"reconstruction\": \"\"}]}");
  Registries registries;
  PluginLoader loader(registries, {folder.path()});
  CHECK(loader.known("transform") == std::vector<std::string>{"fade"});
  CHECK_THROWS_WITH(loader.provide("transform", "fade"),
                    "plug-in '" + copy.string() +
                        "' was built for plug-in API 0, this program has 1; rebuild it with this "
                        "program's headers");
}

TEST_CASE("a file that is no shared library for this machine is refused", "[loader][errors]") {
  const ScratchFolder folder;
  const auto whole = text_of(built("sample"));
  const auto refusal_of = [&](const std::string& text) {
    return refusal(folder.write("sample.covector.so", text));
  };
  // The bytes of the ELF header as its specification numbers them.
  const auto changed = [&](const std::vector<std::pair<std::size_t, int>>& bytes) {
    auto text = whole;
    for (const auto& [place, value] : bytes) text.at(place) = static_cast<char>(value);
    return refusal_of(text);
  };
  const auto file = (folder / "sample.covector.so").string();
  CHECK(refusal("/no/such.covector.so") ==
        "there is no plug-in file '/no/such.covector.so': No such file or directory");
  CHECK(refusal(folder.path()) == "'" + folder.path().string() + "' is no file");
  for (const std::string text : {"", "so", "not a library"})
    CHECK(refusal_of(text) == "'" + file +
                                  "' is no plug-in: shared libraries begin with other bytes; build "
                                  "it again or remove it");
  constexpr int kClass = 4, kOrder = 5, kType = 16, kMachine = 18;
  CHECK(changed({{kType, 1}}) ==
        "'" + file + "' is no shared library, as plug-ins are; covector_add_plugin() makes one");
  for (const auto size : {whole.size() - 1, whole.size() / 2, std::size_t{100}, std::size_t{10}}) {
    // Up to the header, which is 64 bytes long, nothing is known of the rest.
    const auto least = std::to_string(size < 64 ? 64 : whole.size());
    CHECK(refusal_of(whole.substr(0, size)) ==
          "plug-in '" + file + "' is cut short: it should have " + least +
              " bytes at least, and has " + std::to_string(size) + "; copy or build it again");
  }
#ifdef __aarch64__
  const std::string ours = "AArch64";
#else
  const std::string ours = "x86-64";
#endif
  const auto built_for = [&](const std::string& theirs) {
    return "plug-in '" + file + "' was built for " + theirs + ", this program for 64-bit " + ours +
           "; build it on this kind of machine";
  };
  CHECK(changed({{kMachine, 21}}) == built_for("64-bit PowerPC"));
  CHECK(changed({{kMachine, 8}}) == built_for("64-bit machine number 8"));
  CHECK(changed({{kClass, 1}}) == built_for("32-bit " + ours));
  CHECK(changed({{kOrder, 2}, {kMachine, 0}, {kMachine + 1, 21}}) ==
        built_for("64-bit big-endian PowerPC"));
}

TEST_CASE("a plug-in that does not open, or answers wrongly, is refused", "[loader][errors]") {
  const auto refused = [](const char* name) { return "plug-in '" + built(name).string() + "' "; };
  CHECK(refusal(built("unresolved")) ==
        "cannot open " + refused("unresolved").substr(0, refused("unresolved").size() - 1) +
            ": none of the libraries it is linked with has "
            "'covector::losses::distance_of_no_library(int)'; name the one that does after LINK, "
            "or rebuild it with this program's headers");
  CHECK(
      refusal(built("no_symbol")) ==
      refused("no_symbol") +
          "does not export covector_plugin_info(), which COVECTOR_PLUGIN defines; link it without "
          "a list of exported symbols, or with this one in it");
  CHECK(refusal(built("no_handshake")) ==
        refused("no_handshake") + "answers the handshake with nothing; rebuild it");
  CHECK(refusal(built("other_size")) ==
        refused("other_size") +
            "has a handshake of 24 bytes, this program one of 40; rebuild it with this program's "
            "headers");
  CHECK(refusal(built("no_registration")) ==
        refused("no_registration") + "leaves its name, version or registration empty; rebuild it");
  CHECK(
      refusal(built("misnamed")) ==
      refused("misnamed") +
          "is named 'well_named' by its COVECTOR_PLUGIN; call the file well_named.covector.so, or "
          "the plug-in as the file");
}

TEST_CASE("a static object that throws ends the process with an error that says whose it was",
          "[loader][errors]") {
  const auto manifest_program = fs::path(COVECTOR_BINARY_DIR) / "bin/covector-manifest";
  const ScratchFolder folder;
  const auto finished = [&](const char* name) {
    const auto end =
        run_process(manifest_program, {built(name).string(), (folder / "unmade").string()}, {});
    CHECK(end.code == 3);
    CHECK_FALSE(fs::exists(folder / "unmade"));
    return end.error;
  };
  const auto began = [](const char* name) {
    return "covector-manifest: error: plug-in '" + built(name).string() +
           "' failed while it was opened, in the constructor of a static object: ";
  };
  const std::string remedy =
      "; make what may fail in the body of COVECTOR_PLUGIN, and give operators names of their "
      "own\n";
  CHECK(finished("throwing_object") ==
        began("throwing_object") + "the licence file is missing" + remedy);
  CHECK_THAT(
      finished("taken_operator"),
      Catch::StartsWith(began("taken_operator") +
                        "Tried to register an operator (covector::warp(Tensor image) -> Tensor) "
                        "with the same name and overload name multiple times.") &&
          Catch::Contains("taken_operator.cpp:") && Catch::Contains("warp.cpp:") &&
          Catch::EndsWith(remedy));
}

TEST_CASE("a plug-in that fails while it registers leaves nothing behind", "[loader][errors]") {
  CHECK(refusal(built("throwing")) == "plug-in 'throwing' (" + built("throwing").string() +
                                          ") failed to register: the licence file is missing");
  CHECK(refusal(built("throwing_number")) ==
        "plug-in 'throwing_number' (" + built("throwing_number").string() +
            ") failed to register: it threw something that is not a std::exception");
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
  const auto copy = put(folder, "sample");
  CHECK_THROWS_WITH(loader.load(copy), "plug-in 'sample' 1.2.3 is open already from " +
                                           built("sample").string() +
                                           "; it cannot be opened again from " + copy.string());
}

TEST_CASE("manifests tell what is there without opening it", "[loader][manifest]") {
  const ScratchFolder folder;
  const auto file = put(folder, "sample");
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
  put(folder, "sample");
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
  const auto file = put(folder, "sample");
  const auto manifest = manifest_of(file);
  const auto remedy =
      "; remake it with: covector-manifest " + file.string() + " " + manifest.string();
  const auto written = text_of(manifest);
  const auto refusal_with = [&](const std::string& from, const std::string& to) {
    auto text = written;
    text.replace(text.find(from), from.size(), to);
    folder.write("sample.covector.json", text);
    Registries registries;
    PluginLoader loader(registries, {folder.path()});
    std::string refused = "it was let in";
    try {
      loader.provide("transform", loader.known("transform").at(0));
    } catch (const PluginError& error) {
      refused = error.what();
    }
    CHECK(loader.loaded().empty());
    CHECK(registries.of<Command>().names().empty());
    return refused;
  };
  const auto of = "plug-in '" + file.string() + "' ";
  const auto wrong = "manifest '" + manifest.string() + "' ";
  const auto identity = [&](const std::string& told) {
    return wrong + "tells of " + told + ", but " + of +
           "is 'sample' 1.2.3 for plug-in API 1 and [" COVECTOR_BUILD_ID "]" + remedy;
  };
  CHECK(refusal_with("\"dim\"", "\"dam\"") ==
        wrong + "promises transform 'dam', which " + of + "does not provide" + remedy);
  CHECK(refusal_with("\"command\"", "\"task\"") ==
        wrong + "promises task 'greet', which " + of + "does not provide" + remedy);
  const auto second = written.substr(written.find("},") + 1);
  CHECK(refusal_with(second, "]}") ==
        wrong + "does not tell of command 'greet', which " + of + "provides" + remedy);
  CHECK(refusal_with("\"sample\"", "\"simple\"") ==
        identity("'simple' 1.2.3 for plug-in API 1 and [" COVECTOR_BUILD_ID "]"));
  CHECK(refusal_with("1.2.3", "2.0.0") ==
        identity("'sample' 2.0.0 for plug-in API 1 and [" COVECTOR_BUILD_ID "]"));
  CHECK(refusal_with("\"api\": 1", "\"api\": 2") ==
        identity("'sample' 1.2.3 for plug-in API 2 and [" COVECTOR_BUILD_ID "]"));
  CHECK(refusal_with(COVECTOR_BUILD_ID, "libtorch 1.0.0") ==
        identity("'sample' 1.2.3 for plug-in API 1 and [libtorch 1.0.0]"));

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
  const auto sample = put(a, "sample");
  const auto taken = put(b, "taken_name");
  Registries registries;
  PluginLoader loader(registries, {a.path(), b.path()});
  CHECK_THROWS_WITH(loader.found(), "command 'greet' is provided twice, by plug-in 'sample' (" +
                                        sample.string() + ") and by plug-in 'taken_name' (" +
                                        taken.string() +
                                        "); remove one of them from the plug-in folders");
}

TEST_CASE("two versions of one plug-in on the path are refused with both",
          "[loader][manifest][errors]") {
  const ScratchFolder a;
  const ScratchFolder b;
  const auto older = put(a, "sample");
  const auto newer = put(b, "sample");
  auto manifest = text_of(manifest_of(newer));
  manifest.replace(manifest.find("1.2.3"), 5, "2.0.0");
  b.write("sample.covector.json", manifest);
  const auto refused_in_order = [](const ScratchFolder& first, const ScratchFolder& second) {
    Registries registries;
    PluginLoader loader(registries, {first.path(), second.path()});
    try {
      loader.found();
    } catch (const PluginError& error) {
      return std::string(error.what());
    }
    return std::string("it was let in");
  };
  const std::string remedy = "); remove one of them from the plug-in folders";
  CHECK(refused_in_order(a, b) == "plug-in 'sample' is there twice, as version 1.2.3 (" +
                                      older.string() + ") and as version 2.0.0 (" + newer.string() +
                                      remedy);
  CHECK(refused_in_order(b, a) == "plug-in 'sample' is there twice, as version 2.0.0 (" +
                                      newer.string() + ") and as version 1.2.3 (" + older.string() +
                                      remedy);
}

TEST_CASE("folders and files that others may write are refused", "[loader][path][errors]") {
  const ScratchFolder folder;
  const auto file = put(folder, "sample");
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
  const auto file = put(folder, "sample");
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
  const auto file = put(outside, "sample");
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
