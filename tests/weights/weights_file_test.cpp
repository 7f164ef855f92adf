#include "support/catch.h"

#include "covector/core/error.h"
#include "support/scratch_folder.h"
#include "weights/pickles.h"
#include "weights_file.h"

#include <torch/types.h>
#include <zip.h>

#include <map>

using namespace covector;
using namespace covector::testing;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

/// An archive of another maker than those of the program. Its members may be packed.
fs::path zip_of(const fs::path& file, const std::map<std::string, std::string>& members,
                bool packed = false) {
  auto* archive = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, bytes] : members) {
    const auto index = zip_file_add(archive, name.c_str(),
                                    zip_source_buffer(archive, bytes.data(), bytes.size(), 0), 0);
    REQUIRE(index >= 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index),
                             packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  REQUIRE(zip_close(archive) == 0);
  return file;
}

template <class Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)};
}

/// w = [[10, 20, 30], [40, 50, 60]], the transpose of what is stored from number 1 on.
std::map<std::string, std::string> torch_members() {
  return {
      {"archive/data.pkl",
       pickles::whole(pickles::dict(
           {pickles::text("w"), pickles::tensor(pickles::storage("0", 7), 1, {2, 3}, {1, 2})}))},
      {"archive/byteorder", "little"},
      {"archive/data/0", bytes_of<float>({0, 10, 40, 20, 50, 30, 60})}};
}

std::string npy(const std::string& header, const std::string& numbers) {
  const auto length = static_cast<std::uint16_t>(header.size());
  return std::string("\x93NUMPY\x01\x00", 8) + bytes_of<std::uint16_t>({length}) + header + numbers;
}

std::string safetensors(const std::string& header, const std::string& numbers) {
  return bytes_of<std::uint64_t>({header.size()}) + header + numbers;
}

StateDict only(const WeightsFile& file) {
  REQUIRE(file.groups.size() == 1);
  return file.groups[0].tensors;
}

const auto kSix = torch::tensor({10., 20., 30., 40., 50., 60.}).view({2, 3});

}  // namespace

TEST_CASE("a file of torch.save() put together by hand", "[weights]") {
  const ScratchFolder folder;
  const auto read = only(read_weights(zip_of(folder / "w.pth.tar", torch_members())));
  REQUIRE(read.size() == 1);
  CHECK(torch::equal(read.at("w"), kSix.to(torch::kFloat32)));
}

TEST_CASE("arrays of NumPy: rows or columns first, packed or not", "[weights]") {
  const ScratchFolder folder;
  for (const bool packed : {false, true}) {
    const auto read = only(read_weights(zip_of(
        folder / "w.npz",
        {{"a/kernel.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
                              bytes_of<float>({10, 20, 30, 40, 50, 60}))},
         {"columns.npy", npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n",
                             bytes_of<double>({10, 40, 20, 50, 30, 60}))},
         {"count.npy", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n",
                           bytes_of<std::int64_t>({-3}))}},
        packed)));
    CHECK(torch::equal(read.at("a/kernel"), kSix.to(torch::kFloat32)));
    CHECK(torch::equal(read.at("columns"), kSix.to(torch::kFloat64)));
    CHECK(torch::equal(read.at("count"), torch::tensor(-3, torch::kInt64)));
  }
}

TEST_CASE("safetensors, the example of its documentation and a scalar", "[weights]") {
  const ScratchFolder folder;
  const auto file = folder.write(
      "w.safetensors",
      safetensors(
          R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F16","shape":[1,2],"data_offsets":[8,12]},)"
          R"("n":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})",
          bytes_of<std::int64_t>({5}) + std::string("\x00\x3C\x00\xC0", 4)));
  const auto read = only(read_weights(file));
  CHECK(torch::equal(read.at("n"), torch::tensor(5, torch::kInt64)));
  // Half precision: 0x3C00 is 1, 0xC000 is -2.
  CHECK(torch::equal(read.at("w"), torch::tensor({{1., -2.}}).to(torch::kHalf)));
}

TEST_CASE("what is written is read back, to the bit and in its type", "[weights]") {
  const ScratchFolder folder;
  const StateDict written{{"b", torch::tensor({0.1, -0.2}, torch::kFloat64)},
                          {"a.transposed", torch::arange(6.0F).view({2, 3}).t()},
                          {"a.half", torch::tensor({1.5}).to(torch::kBFloat16)},
                          {"count", torch::tensor(41, torch::kInt64)},
                          {"flag", torch::tensor({1, 0, 1}).to(torch::kBool)},
                          {"none", torch::zeros({0, 3})}};
  for (const auto* name : {"w.pt", "w.pth", "w.safetensors"}) {
    INFO(name);
    write_weights(folder / name, written);
    const auto read = only(read_weights(folder / name));
    REQUIRE(read.size() == written.size());
    for (const auto& item : written) {
      INFO(item.first);
      CHECK(read.at(item.first).scalar_type() == item.second.scalar_type());
      CHECK(torch::equal(read.at(item.first), item.second));
    }
  }
}

TEST_CASE("nothing is overwritten, and the suffix says the format", "[weights][errors]") {
  const ScratchFolder folder;
  const auto file = folder.write("there.pt", "mine");
  CHECK_THROWS_WITH(write_weights(file, {}),
                    "'" + file.string() + "' exists already; choose another file or remove it");
  CHECK(text_of(file) == "mine");
  CHECK_THROWS_WITH(write_weights(folder / "w.bin", {}),
                    "cannot write '" + (folder / "w.bin").string() +
                        "': the suffix says the format, '.bin' says none; take .pt, .pth or "
                        ".safetensors");
  CHECK_THROWS_WITH(write_weights(folder / "no" / "w.pt", {}),
                    Contains("cannot write") && Contains("No such file or directory"));
  CHECK_THROWS_AS(write_weights(folder / "w.bin", {}), RecipeError);
}

TEST_CASE("files that are none of these, or old", "[weights][errors]") {
  const ScratchFolder folder;
  const auto refuses = [&](const fs::path& file, const std::string& why) {
    INFO(why);
    CHECK_THROWS_WITH(read_weights(file), Contains("'" + file.string() + "'") && Contains(why));
    CHECK_THROWS_AS(read_weights(file), DataError);
  };
  refuses(folder / "none.pt", "No such file or directory");
  refuses(folder.path(), "it is a folder");
  refuses(folder.write("text.pt", "hello, world"),
          "it is neither of torch.save() nor safetensors nor .npz");
  refuses(folder.write("empty.pt", ""), "it is neither of torch.save()");
  // A file of before 1.6 begins with the pickle of a number.
  refuses(folder.write("old.pt", "\x80\x02\x8A\x0Al\xFC\x9C\x46\xF9 j\xA8P\x19."),
          "torch.save() wrote it before PyTorch 1.6; save it again in Python");
  refuses(zip_of(folder / "other.zip", {{"readme.txt", "x"}}),
          "it is a ZIP archive, but neither of torch.save() nor an .npz");
}

TEST_CASE("damaged archives of torch.save()", "[weights][errors]") {
  const ScratchFolder folder;
  const auto file = folder / "w.pt";
  const auto refuses = [&](const std::string& member, const std::string& bytes,
                           const std::string& why) {
    auto members = torch_members();
    members["archive/" + member] = bytes;
    zip_of(file, members);
    INFO(why);
    CHECK_THROWS_WITH(read_weights(file), Contains(why));
  };
  refuses("byteorder", "big", "its numbers are not little-endian");
  refuses("data/0", bytes_of<float>({1, 2}), "storage 0 holds 8 bytes, not 7 numbers of 4");
  refuses("data.pkl", "oops", "of pickle, which data does not need");
  const auto two_ways = pickles::dict(
      {pickles::text("a"), pickles::tensor(pickles::storage("0", 7), 0, {1}, {1}),
       pickles::text("b"), pickles::tensor(pickles::storage("0", 7, "IntStorage"), 0, {1}, {1})});
  refuses("data.pkl", pickles::whole(two_ways), "storage 0 is described in two ways");
  const auto twice =
      pickles::dict({pickles::text("a"), pickles::tensor(pickles::storage("0", 7), 0, {1}, {1}),
                     pickles::text("a"), pickles::tensor(pickles::storage("0", 7), 0, {1}, {1})});
  refuses("data.pkl", pickles::whole(twice), "'a' stands there twice");
  const auto elsewhere = pickles::dict(
      {pickles::text("a"), pickles::tensor(pickles::storage("../x", 7), 0, {1}, {1})});
  refuses("data.pkl", pickles::whole(elsewhere), "it lacks 'archive/data/../x'");
}

TEST_CASE("an archive that claims more than it can hold is refused before memory is taken",
          "[weights][errors]") {
  const ScratchFolder folder;
  auto bytes = text_of(zip_of(folder / "w.pt", torch_members()));
  // The directory at the end has an entry a member, in their order: packed and unpacked size stand
  // 20 and 24 bytes behind its mark. data/0 comes before data.pkl.
  const auto entry = bytes.find("archive/data/0", bytes.find("PK\x01\x02")) - 46;
  REQUIRE(bytes.compare(entry, 4, "PK\x01\x02") == 0);
  for (const auto place : {20, 24}) bytes.replace(entry + place, 4, "\xFF\xFF\xFF\x7F");
  folder.write("w.pt", bytes);
  CHECK_THROWS_WITH(read_weights(folder / "w.pt"),
                    Contains("'archive/data/0' claims more bytes than it can hold"));
}

TEST_CASE("a file cut short or with a byte changed is noticed", "[weights][errors]") {
  const ScratchFolder folder;
  for (const auto* name : {"w.pt", "w.safetensors"}) {
    INFO(name);
    const auto file = folder / name;
    write_weights(file, {{"w", kSix}, {"v", kSix + 1}});
    const auto sound = text_of(file);
    for (std::size_t length = 0; length < sound.size(); length += 7) {
      folder.write(name, sound.substr(0, length));
      INFO(length);
      CHECK_THROWS_AS(read_weights(file), DataError);
    }
  }
  // A number of a packed member: its checksum tells.
  auto bytes = text_of(zip_of(folder / "w.pt", torch_members()));
  const auto at = bytes.find(bytes_of<float>({10, 40}));
  REQUIRE(at != std::string::npos);
  bytes[at] = '\x01';
  folder.write("w.pt", bytes);
  CHECK_THROWS_WITH(
      read_weights(folder / "w.pt"),
      Contains("is damaged: 'archive/data/0': CRC error") && Contains("fetch or save it again"));
}

TEST_CASE("damaged safetensors", "[weights][errors]") {
  const ScratchFolder folder;
  const auto refuses = [&](const std::string& header, std::size_t bytes, const std::string& why) {
    INFO(header);
    const auto file = folder.write("w", safetensors(header, std::string(bytes, 'x')));
    CHECK_THROWS_WITH(read_weights(file), Contains(why));
  };
  const auto entry = [](const std::string& type, const std::string& shape,
                        const std::string& range) {
    return R"({"w":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + range +
           "}}";
  };
  refuses(entry("F32", "[2]", "[0,8]"), 4, "it is cut short: 'w' ends behind its end");
  refuses(entry("F32", "[2]", "[0,8]"), 12, "it has bytes that belong to no tensor");
  refuses(entry("F32", "[2]", "[4,12]"), 12, "'w' does not begin where the one before ends");
  refuses(entry("F32", "[3]", "[0,8]"), 8, "'w' does not have the bytes that its shape needs");
  refuses(entry("F32", "[2]", "[8,0]"), 8, "'w' does not have the bytes that its shape needs");
  refuses(entry("F8_E5M2", "[8]", "[0,8]"), 8, "'w' is of type F8_E5M2, which is not known here");
  refuses(entry("F32", "[-2]", "[0,8]"), 8, "a number of 'shape' is none");
  refuses(entry("F32", "2", "[0,8]"), 8, "an entry of its header has no 'shape'");
  refuses(entry("F32", "[2]", "[0]"), 8, "'w' needs two 'data_offsets'");
  refuses(entry("F32", "[4294967296,4294967296]", "[0,8]"), 8, "'w' is too large");
  refuses(R"({"w":{"shape":[2]}})", 8, "'w' has no 'dtype'");
  refuses("{not JSON", 8, "its header is no JSON object");
  folder.write("w", bytes_of<std::uint64_t>({1U << 30U}) + "{}");
  CHECK_THROWS_WITH(read_weights(folder / "w"),
                    Contains("it is cut short: its header ends behind its end"));
}

TEST_CASE("damaged arrays of NumPy", "[weights][errors]") {
  const ScratchFolder folder;
  const auto refuses = [&](const std::string& bytes, const std::string& why) {
    INFO(why);
    CHECK_THROWS_WITH(read_weights(zip_of(folder / "w.npz", {{"w.npy", bytes}})),
                      Contains("'w' " + why));
  };
  const std::string sound = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  refuses("no", "does not begin as an array of NumPy does");
  refuses(npy(sound, "1234"), "does not have the bytes that its shape needs");
  refuses(npy(sound, "").substr(0, 20), "is cut short");
  refuses(npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n", "12345678"),
          "has numbers of type |O, which is not known here");
  refuses(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }\n", "12345678"),
          "has numbers of type >f4, which is not known here");
  refuses(npy("{'descr': [('x', '<f4')], 'shape': (2,), }\n", "12345678"), "has an unusual header");
  refuses(
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9), }\n", ""),
      "is too large");
}
