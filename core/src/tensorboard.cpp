#include "tensorboard.h"

#include "covector/core/error.h"
#include "event.pb.h"

#include <boost/crc.hpp>

#include <vector>

namespace covector {
namespace fs = std::filesystem;

std::uint32_t masked_crc32c(const std::string& data) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(data.data(), data.size());
  const std::uint32_t sum = crc.checksum();
  return ((sum >> 15) | (sum << 17)) + 0xA282EAD8U;
}

namespace {

template <class Integer>
std::string little_endian(Integer value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i)
    bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFFU));
  return bytes;
}

}  // namespace

EventFile::EventFile(const fs::path& folder, double time) {
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0)
      old.push_back(entry.path());
  for (const auto& file : old) fs::remove(file);

  const auto path = folder / ("events.out.tfevents." +
                              std::to_string(static_cast<std::int64_t>(time)) + ".covector");
  file_.open(path, std::ios::binary);
  if (!file_) throw Error("cannot write " + path.string());
  tensorboard::Event first;
  first.set_wall_time(time);
  first.set_file_version("brain.Event:2");
  frame(first.SerializeAsString());
}

void EventFile::scalars(std::int64_t step, double time,
                        const std::map<std::string, double>& values) {
  tensorboard::Event event;
  event.set_wall_time(time);
  event.set_step(step);
  for (const auto& [tag, number] : values) {
    auto* value = event.mutable_summary()->add_value();
    value->set_tag(tag);
    value->set_simple_value(static_cast<float>(number));
  }
  frame(event.SerializeAsString());
}

void EventFile::frame(const std::string& data) {
  const auto length = little_endian(static_cast<std::uint64_t>(data.size()));
  file_ << length << little_endian(masked_crc32c(length)) << data
        << little_endian(masked_crc32c(data));
}

void EventFile::flush() {
  file_.flush();
}

}  // namespace covector
