#include "prepare.h"

#include "signals.h"
#include "workers.h"

#include "covector/core/error.h"
#include "covector/datasets/prepared_cache.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <set>

namespace covector::data_command {
namespace {

namespace fs = std::filesystem;
using datasets::CachedImage;
using datasets::FileDataset;

CachedImage prepared(const FileDataset& set, std::int64_t index) {
  const auto& item = set.at(index);
  const auto stored = set.load(item);
  const auto sample = set.sample_of(item, stored);
  const auto type = datasets::cached_type(set.files().prepare, stored.image.pixels.scalar_type());
  return {sample.id, type, {sample.image, sample.label, sample.geometry}};
}

std::int64_t bytes_of(const CachedImage& image) {
  const auto& label = image.prepared.label;
  return image.prepared.image.numel() * datasets::bytes_of(image.type) +
         (label ? label->numel() : 0);
}

struct Estimate {
  std::int64_t bytes;  // of an image
  bool exact;
};

// From a few images spread over the set.
Estimate estimate(const FileDataset& set) {
  constexpr std::int64_t kTried = 5;
  std::set<std::int64_t> indices;
  for (std::int64_t i = 0; i < kTried; ++i) indices.insert(i * (set.size() - 1) / (kTried - 1));
  std::vector<std::int64_t> sizes;
  std::int64_t sum = 0;
  for (const auto index : indices) {
    sizes.push_back(bytes_of(prepared(set, index)));
    sum += sizes.back();
  }
  const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
  const auto count = static_cast<std::int64_t>(sizes.size());
  return {(sum + count - 1) / count, *least == *most};
}

void check_space(const fs::path& folder, double bytes) {
  const auto space = fs::space(folder);
  if (static_cast<double>(space.available) >= bytes) return;
  throw Error(folder.string() + ": needs " + size_text(bytes) + ", and " +
              size_text(static_cast<double>(space.available)) +
              " are free; make room, choose another folder, or prepare smaller images");
}

}  // namespace

std::string size_text(double bytes) {
  constexpr std::array kUnits{"bytes", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f" : bytes < 100 ? "%.1f" : "%.0f", bytes);
  return std::string(text) + " " + kUnits[unit];
}

int prepare(FileDataset& set, const fs::path& folder, const std::string& options, int jobs,
            std::ostream& out) {
  set.open();
  const auto cache = set.cache_folder(folder);
  const auto size = estimate(set);
  const datasets::CacheWriter writer(cache, set.size(), options, size.bytes);
  const auto missing = writer.missing();
  std::int64_t images = 0;
  for (const auto file : missing) images += writer.range(file).second - writer.range(file).first;
  out << set.size() << " images, " << (size.exact ? "" : "about ")
      << size_text(static_cast<double>(size.bytes * set.size())) << " in " << cache.string()
      << "\n";
  if (images < set.size()) out << set.size() - images << " of them are there already\n";
  out << std::flush;
  check_space(cache, static_cast<double>(size.bytes * images));
  const Signals signals;
  {
    Progress progress("prepared", images);
    for_each(
        static_cast<std::int64_t>(missing.size()), jobs,
        [&](std::int64_t i) {
          const auto file = missing[static_cast<std::size_t>(i)];
          const auto [first, end] = writer.range(file);
          std::vector<CachedImage> held;
          for (auto index = first; index < end; ++index) {
            held.push_back(prepared(set, index));
            progress.advance(1);
          }
          writer.write(file, held);
        },
        [&] { return signals.stop_code() != 0; });
  }
  if (signals.stop_code() != 0 && !writer.missing().empty()) {
    out << "Stopped. What is finished is kept; the same command goes on.\n";
    return signals.stop_code();
  }
  const datasets::PreparedCache whole(cache);
  out << "Prepared. Train from it with\n  [dataset]\n  prepared = \"" << folder.string() << "\"\n";
  return 0;
}

}  // namespace covector::data_command
