#include "support/catch.h"

#include "run_log.h"
#include "support/scratch_folder.h"
#include "tensorboard.h"

#include <cstring>

using namespace covector;
using covector::testing::ScratchFolder;
using covector::testing::text_of;
namespace fs = std::filesystem;

namespace {

/// A reader of event files that shares nothing with the writer: TFRecord frames, then protobuf's
/// wire format field by field.
struct Scalar {
  std::int64_t step;
  std::string tag;
  float value;
};

std::uint64_t read_varint(const std::string& data, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(data.at(at++));
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

/// Calls field(number, bytes) for each field; numbers are handed over as 8 or 4 raw bytes.
template <class Field>
void read_message(const std::string& data, Field field) {
  for (std::size_t at = 0; at < data.size();) {
    const auto key = read_varint(data, at);
    std::string bytes;
    if ((key & 7) == 0) {
      const auto value = read_varint(data, at);
      bytes.assign(reinterpret_cast<const char*>(&value), 8);
    } else {
      const auto length = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : read_varint(data, at);
      bytes = data.substr(at, length);
      at += length;
    }
    field(key >> 3, bytes);
  }
}

template <class Number>
Number number_of(const std::string& bytes) {
  Number value;
  REQUIRE(bytes.size() == sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

struct EventFileContent {
  std::string version;
  std::vector<Scalar> scalars;
};

EventFileContent read_events(const fs::path& file) {
  const auto data = text_of(file);
  EventFileContent content;
  for (std::size_t at = 0; at < data.size();) {
    const auto length = number_of<std::uint64_t>(data.substr(at, 8));
    CHECK(number_of<std::uint32_t>(data.substr(at + 8, 4)) == masked_crc32c(data.substr(at, 8)));
    const auto message = data.substr(at + 12, length);
    CHECK(number_of<std::uint32_t>(data.substr(at + 12 + length, 4)) == masked_crc32c(message));
    at += length + 16;
    std::int64_t step = 0;
    read_message(message, [&](std::uint64_t number, const std::string& bytes) {
      if (number == 1) CHECK(number_of<double>(bytes) > 0);
      if (number == 2) step = number_of<std::int64_t>(bytes);
      if (number == 3) content.version = bytes;
      if (number != 5) return;
      read_message(bytes, [&](std::uint64_t, const std::string& value) {
        Scalar scalar{step, "", 0};
        read_message(value, [&](std::uint64_t inner, const std::string& raw) {
          if (inner == 1) scalar.tag = raw;
          if (inner == 2) scalar.value = number_of<float>(raw);
        });
        content.scalars.push_back(scalar);
      });
    });
  }
  return content;
}

fs::path event_file(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0)
      found.push_back(entry.path());
  REQUIRE(found.size() == 1);
  return found.front();
}

}  // namespace

TEST_CASE("the check sum is CRC-32C, masked", "[tensorboard]") {
  // CRC-32C of "123456789" is 0xE3069283 (RFC 3720, and every catalogue of CRCs):
  // rotated right by 15: 0x2507C60D; plus 0xA282EAD8 = 0xC78AB0E5
  CHECK(masked_crc32c("123456789") == 0xC78AB0E5U);
  // 32 zero bytes: 0x8A9136AA (RFC 3720, B.4); rotated 0x6D551522; sum 0x0FD7FFFA
  CHECK(masked_crc32c(std::string(32, '\0')) == 0x0FD7FFFAU);
}

TEST_CASE("an event file is read back by a reader of its own", "[tensorboard]") {
  const ScratchFolder folder;
  {
    EventFile file(folder.path(), 1.5e9);
    file.scalars(7, 1.5e9 + 1, {{"loss", 0.5}, {"lr", 1e-4}});
    file.scalars(300, 1.5e9 + 2, {{"loss", -2.0}});
  }
  const auto content = read_events(event_file(folder.path()));
  CHECK(content.version == "brain.Event:2");
  REQUIRE(content.scalars.size() == 3);
  CHECK(content.scalars[0].step == 7);
  CHECK(content.scalars[0].tag == "loss");
  CHECK(content.scalars[0].value == 0.5F);
  CHECK(content.scalars[1].tag == "lr");
  CHECK(content.scalars[1].value == 1e-4F);
  CHECK(content.scalars[2].step == 300);
  CHECK(content.scalars[2].value == -2.0F);
}

TEST_CASE("a resumed log holds no step twice, in neither file", "[tensorboard][log]") {
  const ScratchFolder folder;
  {
    RunLog log(folder.path(), 0);
    log.write(10, {{"loss", 3.0}});
    log.write(20, {{"loss", 2.0}, {"odd", std::nan("")}});
    log.write(30, {{"loss", 1.0}});
  }
  // as a crash may leave it
  std::ofstream(folder.path() / "log.jsonl", std::ios::app) << "{\"step\": 40, \"lo";
  {
    RunLog log(folder.path(), 20);
    log.write(30, {{"loss", 1.25}});
  }
  const auto lines = text_of(folder.path() / "log.jsonl");
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 3);
  CHECK(lines.find("\"loss\":1.25") != std::string::npos);
  CHECK(lines.find("\"odd\":null") != std::string::npos);
  CHECK(lines.find("\"step\":40") == std::string::npos);
  const auto content = read_events(event_file(folder.path()));
  REQUIRE(content.scalars.size() == 3);
  CHECK(content.scalars[1].step == 20);
  CHECK(content.scalars[2].step == 30);
  CHECK(content.scalars[2].value == 1.25F);
}

TEST_CASE("TensorBoard's own reader reads an event file", "[tensorboard][python]") {
  const auto* chosen = std::getenv("COVECTOR_PYTHON");
  const std::string python = chosen ? chosen : "python3";
  if (std::system((python + " -c 'import tensorboard' >/dev/null 2>&1").c_str()) != 0) {
    WARN("skipped: '" << python << "' has no tensorboard; COVECTOR_PYTHON names another Python");
    return;
  }
  const ScratchFolder folder;
  {
    EventFile file(folder.path(), 1.5e9);
    file.scalars(7, 1.5e9 + 1, {{"loss", 0.5}});
    file.scalars(8, 1.5e9 + 2, {{"loss", 0.25}});
  }
  const auto script = folder.path() / "read.py";
  std::ofstream(script)
      << "import sys\n"
         "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
         "events = EventAccumulator(sys.argv[1])\n"
         "events.Reload()\n"
         "print([(e.step, e.value, e.wall_time) for e in events.Scalars('loss')])\n";
  const auto answer = folder.path() / "answer.txt";
  REQUIRE(std::system((python + " " + script.string() + " " + folder.path().string() + " > " +
                       answer.string() + " 2>/dev/null")
                          .c_str()) == 0);
  CHECK(text_of(answer) == "[(7, 0.5, 1500000001.0), (8, 0.25, 1500000002.0)]\n");
}
