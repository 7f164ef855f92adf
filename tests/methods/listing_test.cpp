#include "support/catch.h"

#include "methods/method_runs.h"

#include <nlohmann/json.hpp>

using namespace covector::testing;
using nlohmann::json;

namespace {

json plugins(const Words& words) {
  const std::filesystem::path build(COVECTOR_BINARY_DIR);
  Words all{"plugins", "--json"};
  all.insert(all.end(), words.begin(), words.end());
  const auto finished =
      Process(build / "bin/covector", all,
              {"COVECTOR_PLUGIN_PATH=" + (build / "lib/covector/plugins").string()})
          .wait();
  INFO(finished.error);
  REQUIRE(finished.code == 0);
  return json::parse(finished.output);
}

}  // namespace

TEST_CASE("19 methods are listed, each with its family and source", "[methods]") {
  std::map<std::string, json> listed;
  for (const auto& item : plugins({"--kind", "method"})) listed[item.at("name")] = item;
  CHECK(listed.size() == 19);
  CHECK(listed.contains("scratch"));
  for (const auto& [method, family] : methods_and_families()) {
    INFO(method);
    REQUIRE(listed.contains(method));
    CHECK(listed[method].at("family") == family);
    CHECK_FALSE(listed[method].at("source").get<std::string>().empty());
  }
}

TEST_CASE("a reconstruction says so wherever it is listed", "[methods]") {
  for (const auto& item : plugins({"--kind", "method"})) {
    const auto name = item.at("name").get<std::string>();
    INFO(name);
    CHECK(item.at("reconstruction").get<std::string>().empty() ==
          (name != "dsc_pm" && name != "vader"));
  }
}

TEST_CASE("every method says what goes downstream and what to watch", "[methods]") {
  for (const auto& method : methods()) {
    INFO(method);
    const auto part = plugins({method}).at(0);
    CHECK_FALSE(part.at("transfers").get<std::string>().empty());
    CHECK_FALSE(part.at("watch").empty());
    CHECK_FALSE(part.at("summary").get<std::string>().empty());
  }
}
