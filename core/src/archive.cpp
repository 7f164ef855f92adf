#include "archive.h"

#include "covector/core/error.h"

#include <zip.h>

#include <utility>

namespace covector {
namespace {

// Deflate packs at most 1032 bytes into one.
constexpr std::uintmax_t kMostDeflated = 1032;

[[noreturn]] void damaged(const std::filesystem::path& file, const std::string& what) {
  throw DataError("'" + file.string() + "' is damaged: " + what + "; fetch or save it again");
}

}  // namespace

struct Archive::Handle {
  zip_t* zip = nullptr;
  ~Handle() {
    if (zip) zip_discard(zip);
  }
};

Archive::Archive(std::filesystem::path file)
    : file_(std::move(file)), handle_(std::make_unique<Handle>()) {
  std::error_code absent;
  bytes_ = std::filesystem::file_size(file_, absent);
  int code = 0;
  handle_->zip = zip_open(file_.c_str(), ZIP_RDONLY, &code);
  if (handle_->zip) return;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string what = zip_error_strerror(&error);
  zip_error_fini(&error);
  damaged(file_, what);
}

Archive::~Archive() = default;

std::vector<std::string> Archive::names() const {
  std::vector<std::string> names;
  const auto count = zip_get_num_entries(handle_->zip, 0);
  for (zip_int64_t i = 0; i < count; ++i)
    if (const auto* name = zip_get_name(handle_->zip, static_cast<zip_uint64_t>(i), 0))
      names.emplace_back(name);
  return names;
}

bool Archive::holds(const std::string& name) const {
  return zip_name_locate(handle_->zip, name.c_str(), 0) >= 0;
}

std::size_t Archive::size(const std::string& name) const {
  zip_stat_t stat;
  constexpr auto kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
  if (zip_stat(handle_->zip, name.c_str(), 0, &stat) != 0 || (stat.valid & kNeeded) != kNeeded)
    damaged(file_, "it lacks '" + name + "'");
  // Asked before memory is taken for what a damaged entry claims.
  if (stat.comp_size > bytes_ || stat.size > kMostDeflated * stat.comp_size)
    damaged(file_, "'" + name + "' claims more bytes than it can hold");
  return stat.size;
}

std::string Archive::read(const std::string& name) const {
  std::string bytes(size(name), '\0');
  read(name, bytes.data());
  return bytes;
}

void Archive::read(const std::string& name, void* to) const {
  const auto length = size(name);
  auto* member = zip_fopen(handle_->zip, name.c_str(), 0);
  if (!member) damaged(file_, "'" + name + "': " + zip_strerror(handle_->zip));
  // One byte more than there should be: the end, where the checksum is compared, must be reached.
  auto got = zip_fread(member, to, length);
  char more = 0;
  if (got == static_cast<zip_int64_t>(length)) got += zip_fread(member, &more, 1);
  const std::string why = zip_file_strerror(member);
  zip_fclose(member);
  if (got != static_cast<zip_int64_t>(length)) damaged(file_, "'" + name + "': " + why);
}

}  // namespace covector
