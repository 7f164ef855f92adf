#include "support/catch.h"

#include "datasets/files.h"

#include "data_command.h"

#include "covector/core/error.h"
#include "covector/datasets/image.h"

#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <sstream>

using namespace covector;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

std::string run(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  data_command::DataCommand command({});
  const auto code = command.run(arguments, out);  // outside CHECK, which would catch what it throws
  CHECK(code == 0);
  return out.str();
}

}  // namespace

TEST_CASE("data inspect shows what a file holds", "[data]") {
  const TemporaryFolder folder;
  NiftiBytes nifti;
  nifti.size = {2, 3, 2};
  nifti.slope = 0.5;
  nifti.voxels = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -11};
  const auto path = (folder / "a.nii").string();
  write_file(path, nifti.file());
  CHECK(run({"inspect", path}) == path +
                                      "\n"
                                      "  format        NIfTI\n"
                                      "  shape         2 x 3 x 2  (D x H x W)\n"
                                      "  channels      1\n"
                                      "  frames        1\n"
                                      "  stored type   int16\n"
                                      "  minimum       -5.5\n"
                                      "  maximum       5.0\n"
                                      "  spacing       4.0 x 3.0 x 2.0 mm\n"
                                      "  orientation   RAS\n");
  DicomBytes dicom;
  dicom.pixels = raw(std::vector<std::uint16_t>(6, 1));
  const auto second = (folder / "b.dcm").string();
  write_file(second, dicom.file());
  const auto text = run({"inspect", second});
  CHECK_THAT(text, Contains("stored type   uint16, 12 bits\n"));
  CHECK_THAT(text, Contains("spacing       not known\n"));
  CHECK_THAT(text, Contains("photometric   MONOCHROME2\n"));

  const auto json = nlohmann::json::parse(run({"inspect", "--json", path, second}));
  REQUIRE(json.size() == 2);
  CHECK(json[0]["shape"] == nlohmann::json({2, 3, 2}));
  CHECK(json[0]["minimum"] == -5.5);
  CHECK(json[0]["orientation"] == "RAS");
  CHECK(json[1]["spacing_mm"].is_null());
  CHECK(json[1]["bits_stored"] == 12);
}

TEST_CASE("data says how it is used", "[data][errors]") {
  CHECK_THAT(run({"--help"}), Contains("covector data inspect FILE... [--json]"));
  CHECK_THAT(run({"inspect", "--help"}), Contains("--json"));
  CHECK_THROWS_WITH(run({}),
                    "data: expected check, inspect, prepare or split; see covector data --help");
  CHECK_THROWS_WITH(
      run({"look"}),
      "data: expected check, inspect, prepare or split, got 'look'; see covector data --help");
  CHECK_THROWS_WITH(run({"inspect"}), "data inspect: name at least one file");
  CHECK_THROWS_WITH(run({"inspect", "--all"}), Contains("data: unknown option '--all'"));
  CHECK_THROWS_AS(run({"inspect", "nowhere.png"}), DataError);
}
