#include "checkpoint.h"

#include "covector/core/error.h"

#include <fcntl.h>
#include <hdf5.h>
#include <torch/types.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

namespace covector {
namespace fs = std::filesystem;
namespace {

// The file begins with a block that HDF5 passes over. It says how long the file is and what the
// rest hashes to, so that one flipped or missing byte anywhere is noticed before HDF5 sees any of
// it.
constexpr std::size_t kSealBytes = 512;
constexpr const char* kSealTitle = "COVECTOR CHECKPOINT 1";

std::string seal_text(std::size_t bytes, XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  std::array<char, kSealBytes> text{};
  auto length =
      std::snprintf(text.data(), text.size(), "%s\nbytes %zu\nxxh3_128 ", kSealTitle, bytes);
  for (const auto byte : canonical.digest)
    length += std::snprintf(text.data() + length, text.size() - length, "%02x", byte);
  text[length] = '\n';
  return {text.begin(), text.end()};
}

/// An HDF5 identifier that is closed when it goes out of scope.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const std::string& what) : id_(id), close_(close) {
    if (id < 0) throw Error("HDF5 could not " + what);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }  // NOLINT(*-explicit-*)

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

void require(herr_t status, const std::string& what) {
  if (status < 0) throw Error("HDF5 could not " + what);
}

void silence_hdf5() {
  // Failures are reported by our own errors; the library would print a stack to stderr besides.
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

/// How a tensor type is stored. Types that HDF5 lacks travel as integers of their size, with the
/// true name in the attribute "dtype".
struct Stored {
  at::ScalarType type;
  const char* name;
  hid_t hdf5;
};

std::vector<Stored> stored_types() {
  return {{at::kFloat, "float32", H5T_IEEE_F32LE}, {at::kDouble, "float64", H5T_IEEE_F64LE},
          {at::kLong, "int64", H5T_STD_I64LE},     {at::kInt, "int32", H5T_STD_I32LE},
          {at::kShort, "int16", H5T_STD_I16LE},    {at::kByte, "uint8", H5T_STD_U8LE},
          {at::kBool, "bool", H5T_STD_U8LE},       {at::kBFloat16, "bfloat16", H5T_STD_U16LE},
          {at::kHalf, "float16", H5T_STD_U16LE}};
}

template <class Matches>
Stored find_stored(const std::string& what, Matches matches) {
  const auto types = stored_types();
  const auto hit = std::find_if(types.begin(), types.end(), matches);
  if (hit == types.end()) throw Error("a checkpoint cannot hold " + what);
  return *hit;
}

/// Fixed-length UTF-8; HDF5 has no text of length 0.
Handle text_type(std::size_t length) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a text type");
  require(H5Tset_size(type, std::max<std::size_t>(length, 1)), "size a text");
  require(H5Tset_cset(type, H5T_CSET_UTF8), "make a text UTF-8");
  require(H5Tset_strpad(type, H5T_STR_NULLPAD), "pad a text");
  return type;
}

Handle create_dataset(hid_t file, const std::string& path, hid_t type, hid_t space) {
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "make link properties");
  require(H5Pset_create_intermediate_group(links, 1), "ask for groups");
  return {H5Dcreate2(file, path.c_str(), type, space, links, H5P_DEFAULT, H5P_DEFAULT), H5Dclose,
          "create '" + path + "'"};
}

void put_tensor(hid_t file, const std::string& path, const at::Tensor& tensor) {
  const auto data = tensor.detach().cpu().contiguous();
  const auto stored = find_stored("'" + path + "' of type " + at::toString(data.scalar_type()),
                                  [&](const Stored& s) { return s.type == data.scalar_type(); });
  const std::vector<hsize_t> shape(data.sizes().begin(), data.sizes().end());
  const Handle space(shape.empty()
                         ? H5Screate(H5S_SCALAR)
                         : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                     H5Sclose, "shape '" + path + "'");
  const auto dataset = create_dataset(file, path, stored.hdf5, space);
  if (data.numel() > 0)
    require(H5Dwrite(dataset, stored.hdf5, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.const_data_ptr()),
            "write '" + path + "'");
  const auto type = text_type(std::strlen(stored.name));
  const Handle scalar(H5Screate(H5S_SCALAR), H5Sclose, "shape an attribute");
  const Handle attribute(H5Acreate2(dataset, "dtype", type, scalar, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, "create an attribute of '" + path + "'");
  require(H5Awrite(attribute, type, stored.name), "write an attribute of '" + path + "'");
}

void put_text(hid_t file, const std::string& path, const std::string& text) {
  const auto type = text_type(text.size());
  const Handle scalar(H5Screate(H5S_SCALAR), H5Sclose, "shape '" + path + "'");
  const auto dataset = create_dataset(file, path, type, scalar);
  require(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.empty() ? "" : text.data()),
          "write '" + path + "'");
}

/// The whole file as bytes, with room for the seal in front. Built in memory, so that a full disk
/// is met by our own write and not inside HDF5, which cannot close a file it could not flush.
std::vector<char> file_image(const State& state) {
  silence_hdf5();
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "make file properties");
  require(H5Pset_fapl_core(access, 64U << 20U, /*backing_store=*/0), "build a file in memory");
  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "make file properties");
  require(H5Pset_userblock(creation, kSealBytes), "reserve the seal");
  const Handle file(H5Fcreate("checkpoint", H5F_ACC_TRUNC, creation, access), H5Fclose,
                    "create a file in memory");
  for (const auto& [path, tensor] : state.tensors) put_tensor(file, "tensors/" + path, tensor);
  for (const auto& [path, text] : state.texts) put_text(file, "texts/" + path, text);
  require(H5Fflush(file, H5F_SCOPE_LOCAL), "flush a file in memory");
  // What HDF5 gives begins behind the reserved block.
  const auto length = H5Fget_file_image(file, nullptr, 0);
  std::vector<char> image(kSealBytes + std::max<ssize_t>(length, 0));
  if (length <= 0 || H5Fget_file_image(file, image.data() + kSealBytes, length) < 0)
    throw Error("HDF5 could not give the file it built");
  return image;
}

[[noreturn]] void fail(const std::string& what, const fs::path& file, int error) {
  throw Error("cannot " + what + " '" + file.string() + "': " + std::strerror(error) +
              (error == ENOSPC ? ". Make room on the disk and run the same command again; earlier "
                                 "checkpoints are untouched"
                               : ""));
}

class Descriptor {
 public:
  Descriptor(const fs::path& file, int flags)
      : file_(file), fd_(::open(file.c_str(), flags, 0644)) {
    if (fd_ < 0) fail("open", file_, errno);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd_); }

  void write_all(const std::vector<char>& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const auto wrote = ::write(fd_, bytes.data() + done, bytes.size() - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) fail("write", file_, errno);
      done += static_cast<std::size_t>(wrote);
    }
  }
  void sync() {
    if (::fsync(fd_) != 0) fail("sync", file_, errno);
  }

 private:
  fs::path file_;
  int fd_;
};

constexpr const char* kTemporary = ".writing-";

[[noreturn]] void corrupt(const fs::path& file, const std::string& what) {
  throw Error("'" + file.string() + "' is not a whole checkpoint: " + what);
}

void verify_seal(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail("open", file, errno);
  std::string seal(kSealBytes, '\0');
  in.read(seal.data(), kSealBytes);
  if (in.gcount() != static_cast<std::streamsize>(kSealBytes)) corrupt(file, "it is cut short");
  if (seal.rfind(kSealTitle, 0) != 0) corrupt(file, "it does not begin with a covector seal");
  XXH3_state_t* hash = XXH3_createState();
  XXH3_128bits_reset(hash);
  std::vector<char> block(4U << 20U);
  std::size_t bytes = kSealBytes;
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    XXH3_128bits_update(hash, block.data(), in.gcount());
    bytes += in.gcount();
  }
  const auto expected = seal_text(bytes, XXH3_128bits_digest(hash));
  XXH3_freeState(hash);
  if (seal != expected) corrupt(file, "its length or checksum is not what was written");
}

std::string read_text_attribute(hid_t object) {
  const Handle attribute(H5Aopen(object, "dtype", H5P_DEFAULT), H5Aclose, "open 'dtype'");
  const Handle type(H5Aget_type(attribute), H5Tclose, "read a type");
  std::string text(H5Tget_size(type), '\0');
  require(H5Aread(attribute, type, text.data()), "read 'dtype'");
  return text;
}

at::Tensor get_tensor(hid_t dataset) {
  const auto name = read_text_attribute(dataset);
  const auto stored = find_stored("type " + name, [&](const Stored& s) { return name == s.name; });
  const Handle space(H5Dget_space(dataset), H5Sclose, "read a shape");
  std::vector<hsize_t> shape(std::max(H5Sget_simple_extent_ndims(space), 0));
  H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  auto tensor = torch::empty(std::vector<std::int64_t>(shape.begin(), shape.end()), stored.type);
  if (tensor.numel() > 0)
    require(H5Dread(dataset, stored.hdf5, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.data_ptr()),
            "read a tensor");
  return tensor;
}

std::string get_text(hid_t dataset) {
  const Handle type(H5Dget_type(dataset), H5Tclose, "read a type");
  std::string text(H5Tget_size(type), '\0');
  require(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()), "read a text");
  // A text of length 0 was stored as one zero byte.
  text.erase(std::find(text.begin(), text.end(), '\0'), text.end());
  return text;
}

std::vector<std::string> dataset_paths(hid_t file) {
  std::vector<std::string> paths;
  const auto visit = [](hid_t, const char* name, const H5O_info_t* info, void* out) -> herr_t {
    if (info->type == H5O_TYPE_DATASET)
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  require(H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, visit, &paths), "list a file");
  return paths;
}

std::optional<std::int64_t> step_of(const fs::path& file) {
  long long step = 0;
  int end = 0;
  const auto name = file.filename().string();
  if (std::sscanf(name.c_str(), "step-%lld.h5%n", &step, &end) != 1 ||
      end != static_cast<int>(name.size()))
    return std::nullopt;
  return step;
}

/// Checkpoints of a folder, newest first.
std::vector<std::pair<std::int64_t, fs::path>> steps_in(const fs::path& folder) {
  std::vector<std::pair<std::int64_t, fs::path>> found;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(folder, absent))
    if (const auto step = step_of(entry.path())) found.emplace_back(*step, entry.path());
  std::sort(found.rbegin(), found.rend());
  return found;
}

}  // namespace

void write_state(const fs::path& file, const State& state) {
  auto image = file_image(state);
  const auto hash = XXH3_128bits(image.data() + kSealBytes, image.size() - kSealBytes);
  const auto seal = seal_text(image.size(), hash);
  std::copy(seal.begin(), seal.end(), image.begin());

  const auto temporary = file.parent_path() / (kTemporary + file.filename().string());
  try {
    Descriptor out(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
    out.write_all(image);
    out.sync();
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (std::rename(temporary.c_str(), file.c_str()) != 0) fail("name", file, errno);
  Descriptor(file.parent_path().empty() ? fs::path(".") : file.parent_path(),
             O_RDONLY | O_DIRECTORY)
      .sync();
}

State read_state(const fs::path& file) {
  verify_seal(file);
  silence_hdf5();
  const Handle opened(H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose,
                      "open '" + file.string() + "'");
  State state;
  for (const auto& path : dataset_paths(opened)) {
    const Handle dataset(H5Dopen2(opened, path.c_str(), H5P_DEFAULT), H5Dclose,
                         "open '" + path + "'");
    const auto slash = path.find('/');
    if (path.compare(0, slash, "tensors") == 0)
      state.tensors[path.substr(slash + 1)] = get_tensor(dataset);
    else
      state.texts[path.substr(slash + 1)] = get_text(dataset);
  }
  return state;
}

CheckpointFolder::CheckpointFolder(fs::path folder, std::int64_t keep)
    : folder_(std::move(folder)), keep_(keep) {}

void CheckpointFolder::write(std::int64_t step, const State& state) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%09lld.h5", static_cast<long long>(step));
  write_state(folder_ / name, state);
  // Only now that the new one is safe.
  const auto present = steps_in(folder_);
  for (std::size_t i = static_cast<std::size_t>(keep_); i < present.size(); ++i)
    fs::remove(present[i].second);
}

void CheckpointFolder::write_best(const State& state) {
  write_state(best_file(), state);
}

std::optional<CheckpointFolder::Latest> CheckpointFolder::latest(
    const std::function<void(const std::string&)>& warn,
    const std::function<bool(const State&)>& usable) const {
  for (const auto& [step, file] : steps_in(folder_)) {
    try {
      if (auto state = read_state(file); usable(state)) return Latest{step, file, std::move(state)};
    } catch (const Error& error) {
      warn(std::string(error.what()) + "; trying the one before it");
    }
  }
  return std::nullopt;
}

fs::path CheckpointFolder::best_file() const {
  return folder_ / "best.h5";
}

std::optional<std::pair<fs::path, State>> CheckpointFolder::best_or_latest(
    const std::function<void(const std::string&)>& warn) const {
  if (fs::exists(best_file())) return std::pair(best_file(), read_state(best_file()));
  auto last = latest(warn);
  if (!last) return std::nullopt;
  return std::pair(std::move(last->file), std::move(last->state));
}

}  // namespace covector
