#include "covector/datasets/fingerprint.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>

namespace covector::datasets {
namespace {

constexpr std::int64_t kEnd = 64 << 10;

class Hash {
 public:
  Hash() : state_(XXH3_createState(), XXH3_freeState) { XXH3_128bits_reset(state_.get()); }
  void add(const std::string& text) {
    const auto length = text.size();  // so that "ab" "c" and "a" "bc" differ
    XXH3_128bits_update(state_.get(), &length, sizeof(length));
    XXH3_128bits_update(state_.get(), text.data(), length);
  }
  std::string hex() const {
    const auto hash = XXH3_128bits_digest(state_.get());
    std::array<char, 33> text{};
    std::snprintf(text.data(), text.size(), "%016llx%016llx",
                  static_cast<unsigned long long>(hash.high64),
                  static_cast<unsigned long long>(hash.low64));
    return text.data();
  }

 private:
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

std::string ends_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const auto length = static_cast<std::int64_t>(file.tellg());
  std::string text = std::to_string(length);
  for (const auto start : {std::int64_t{0}, std::max<std::int64_t>(0, length - kEnd)}) {
    std::string part(static_cast<std::size_t>(std::min(kEnd, length)), '\0');
    file.seekg(start);
    file.read(part.data(), static_cast<std::streamsize>(part.size()));
    text += part;
  }
  return text;
}

}  // namespace

std::string fingerprint_of(const OptionTable& options, const std::filesystem::path& root,
                           const std::vector<std::filesystem::path>& files,
                           const std::vector<std::string>& notes) {
  Hash hash;
  auto portable = options;
  portable.set("root", "");
  hash.add(to_toml(portable));
  for (const auto& file : files) {
    hash.add(file.lexically_relative(root).generic_string());
    if (std::filesystem::is_regular_file(file)) hash.add(ends_of(file));
  }
  for (const auto& note : notes) hash.add(note);
  return hash.hex();
}

std::uint64_t checksum_of(const void* bytes, std::size_t length) {
  return XXH3_64bits(bytes, length);
}

}  // namespace covector::datasets
