#include "support/catch.h"

#include "checkpoint.h"
#include "covector/core/error.h"
#include "support/scratch_folder.h"

#include <torch/types.h>

#include <fstream>
#include <vector>

using namespace covector;
using covector::testing::ScratchFolder;
namespace fs = std::filesystem;

namespace {

State example() {
  State state;
  state.tensors["weights/a.weight"] = torch::arange(12, torch::kFloat32).view({3, 4}) / 7;
  state.tensors["weights/a.bias"] = torch::tensor({0.1, 0.2}, torch::kFloat64);
  state.tensors["buffers/count"] = torch::tensor(41, torch::kInt64);
  state.tensors["buffers/empty"] = torch::zeros({0, 3});
  state.tensors["half/b"] = torch::tensor({1.5, -2.0}).to(torch::kBFloat16);
  state.tensors["half/h"] = torch::tensor({1.5, -2.0}).to(torch::kHalf);
  state.tensors["flags"] = torch::tensor({1, 0, 1}).to(torch::kBool);
  state.texts["recipe"] = "seed = 0\n# \xC3\xA9\n";
  state.texts["nothing"] = "";
  return state;
}

std::vector<char> bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const fs::path& file, const std::vector<char>& bytes) {
  std::ofstream(file, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

TEST_CASE("a state comes back with its types, shapes, values and texts", "[checkpoint]") {
  const ScratchFolder folder;
  const auto written = example();
  write_state(folder / "c.h5", written);
  const auto read = read_state(folder / "c.h5");
  REQUIRE(read.tensors.size() == written.tensors.size());
  for (const auto& item : written.tensors) {
    INFO(item.first);
    const auto& tensor = read.tensors.at(item.first);
    CHECK(tensor.scalar_type() == item.second.scalar_type());
    CHECK(tensor.sizes() == item.second.sizes());
    CHECK(torch::equal(tensor, item.second));
  }
  CHECK(read.texts == written.texts);
}

TEST_CASE("one flipped byte anywhere is noticed", "[checkpoint]") {
  const ScratchFolder folder;
  write_state(folder / "c.h5", example());
  const auto sound = bytes_of(folder / "c.h5");
  // Every byte of the seal, and one in 97 of the rest.
  for (std::size_t at = 0; at < sound.size(); at += at < 512 ? 1 : 97) {
    auto broken = sound;
    broken[at] = static_cast<char>(broken[at] ^ 0x10);
    put(folder / "c.h5", broken);
    INFO("byte " << at);
    REQUIRE_THROWS_AS(read_state(folder / "c.h5"), Error);
  }
}

TEST_CASE("a file cut short or with bytes added is noticed", "[checkpoint]") {
  const ScratchFolder folder;
  write_state(folder / "c.h5", example());
  const auto sound = bytes_of(folder / "c.h5");
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{100}, std::size_t{512}, sound.size() - 1}) {
    put(folder / "c.h5", {sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(length)});
    CHECK_THROWS_AS(read_state(folder / "c.h5"), Error);
  }
  auto longer = sound;
  longer.push_back(0);
  put(folder / "c.h5", longer);
  CHECK_THROWS_WITH(
      read_state(folder / "c.h5"),
      "'" + (folder / "c.h5").string() +
          "' is not a whole checkpoint: its length or checksum is not what was written");
}

TEST_CASE("the last ones are kept and a broken newest one is passed over with a warning",
          "[checkpoint]") {
  const ScratchFolder folder;
  CheckpointFolder checkpoints(folder.path(), 2);
  for (const std::int64_t step : {10, 20, 30}) {
    State state;
    state.tensors["step"] = torch::tensor(step);
    checkpoints.write(step, state);
  }
  CHECK_FALSE(fs::exists(folder / "step-000000010.h5"));
  CHECK(fs::exists(folder / "step-000000020.h5"));

  auto broken = bytes_of(folder / "step-000000030.h5");
  broken[broken.size() / 2] ^= 1;
  put(folder / "step-000000030.h5", broken);
  std::vector<std::string> warnings;
  const auto latest =
      checkpoints.latest([&](const std::string& text) { warnings.push_back(text); });
  REQUIRE(latest.has_value());
  CHECK(latest->step == 20);
  CHECK(latest->state.tensors.at("step").item<std::int64_t>() == 20);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("step-000000030.h5") != std::string::npos);
}

TEST_CASE("a full disk is said and leaves the checkpoint that was there", "[checkpoint][errors]") {
  const ScratchFolder folder;
  write_state(folder / "c.h5", example());
  const auto sound = bytes_of(folder / "c.h5");
  // /dev/full answers every write as a full disk does.
  fs::create_symlink("/dev/full", folder / ".writing-c.h5");
  CHECK_THROWS_WITH(write_state(folder / "c.h5", example()),
                    Catch::Contains("cannot write") && Catch::Contains("No space left on device") &&
                        Catch::Contains("earlier checkpoints are untouched"));
  CHECK(bytes_of(folder / "c.h5") == sound);
  CHECK_FALSE(fs::exists(fs::symlink_status(folder / ".writing-c.h5")));
}

TEST_CASE("a folder that is not there or a type that cannot be stored is an error",
          "[checkpoint][errors]") {
  const ScratchFolder folder;
  CHECK_THROWS_WITH(write_state(folder / "none" / "c.h5", example()),
                    Catch::Contains("No such file or directory"));
  State state;
  state.tensors["z"] = torch::zeros({1}, torch::kComplexFloat);
  CHECK_THROWS_WITH(write_state(folder / "c.h5", state),
                    "a checkpoint cannot hold 'tensors/z' of type ComplexFloat");
}
