#include "covector/datasets/prepared_cache.h"

#include "covector/core/error.h"
#include "covector/core/samples.h"
#include "covector/datasets/fingerprint.h"

#include "../io/hdf5_file.h"
#include "../io/new_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <mutex>

namespace covector::datasets {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::int64_t kFormat = 1;
// What an interruption may cost, and what building a file takes of memory, a thread.
constexpr std::int64_t kBytesPerFile = 16 << 20;
constexpr std::int64_t kMostPerFile = 1024;
constexpr auto kDescription = "cache.json";

// The largest stored value, that of 1; 0 where values are kept as they are.
float steps_of(CachedType type) {
  if (type == CachedType::float32) return 0;
  return type == CachedType::uint8 ? 255.0F : 65535.0F;
}

at::ScalarType scalar_type(CachedType type) {
  if (type == CachedType::float32) return torch::kFloat;
  return type == CachedType::uint8 ? torch::kByte : torch::kUInt16;
}

Hdf5Type kept_as(CachedType type) {
  if (type == CachedType::uint8) return Hdf5Type::uint8;
  return type == CachedType::uint16 ? Hdf5Type::uint16 : Hdf5Type::float32;
}

fs::path file_of(const fs::path& folder, std::int64_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "%05lld.h5", static_cast<long long>(number));
  return folder / name;
}

// What cache.json says.
struct Description {
  std::int64_t images;
  std::int64_t per_file;
  std::int64_t files() const { return (images + per_file - 1) / per_file; }
};

std::optional<Description> description_of(const fs::path& folder) {
  const auto path = folder / kDescription;
  std::ifstream file(path);
  if (!file) return std::nullopt;
  try {
    const auto json = Json::parse(file);
    const auto format = json.at("format").get<std::int64_t>();
    if (format != kFormat)
      throw DataError(path.string() + ": is of format " + std::to_string(format) +
                      ", and this program reads " + std::to_string(kFormat) +
                      "; prepare into another folder");
    return Description{json.at("images"), json.at("images_per_file")};
  } catch (const Json::exception&) {
    throw DataError(path.string() + ": is no description of prepared images; remove the folder " +
                    folder.string() + " and prepare again");
  }
}

// The stored values of an image, as bytes of a contiguous tensor.
at::Tensor kept(const CachedImage& image) {
  const auto values = image.prepared.image.contiguous();
  if (image.type == CachedType::float32) return values;
  // Interpolation in float32 may leave [0, 1] by a rounding.
  const auto steps =
      (values.to(torch::kDouble) * steps_of(image.type)).round().clamp(0, steps_of(image.type));
  return steps.to(scalar_type(image.type));
}

ImageStatistics statistics_of(const at::Tensor& image) {
  const auto values = image.to(torch::kDouble);
  return {values.min().item<double>(), values.max().item<double>(), values.mean().item<double>(),
          values.std(/*unbiased=*/false).item<double>()};
}

// The tables of a file, a row an image.
struct Tables {
  std::vector<std::int64_t> offsets;    // of image and label; 0 where there is none
  std::vector<std::int64_t> checksums;  // of both, the bits of XXH3
  std::vector<std::int64_t> types;
  std::vector<std::int64_t> shapes;  // C, (D,) H, W
  std::vector<double> statistics;
  std::vector<double> geometries;  // spacing, origin, direction; not a number where unknown
};

void append(std::vector<double>& row, const std::vector<double>& values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    row.push_back(i < values.size() ? values[i] : std::numeric_limits<double>::quiet_NaN());
}

std::vector<double> known(const double* values, std::size_t count) {
  if (std::isnan(values[0])) return {};
  return {values, values + count};
}

std::int64_t checksum_bits(const at::Tensor& tensor) {
  return static_cast<std::int64_t>(
      checksum_of(tensor.const_data_ptr(), static_cast<std::size_t>(tensor.nbytes())));
}

void add(Hdf5Builder& file, Tables& tables, const CachedImage& image) {
  const auto pixels = kept(image);
  const auto name = "images/" + image.id;
  tables.offsets.push_back(
      file.add(name, kept_as(image.type), pixels.sizes().vec(), pixels.const_data_ptr()));
  if (image.type != CachedType::float32) file.annotate(name, "scale", 1.0 / steps_of(image.type));
  tables.checksums.push_back(checksum_bits(pixels));
  const auto& label = image.prepared.label;
  const auto classes = label ? label->to(torch::kByte).contiguous() : at::Tensor();
  tables.offsets.push_back(label ? file.add("labels/" + image.id, Hdf5Type::uint8,
                                            classes.sizes().vec(), classes.const_data_ptr())
                                 : 0);
  tables.checksums.push_back(label ? checksum_bits(classes) : 0);
  tables.types.push_back(static_cast<std::int64_t>(image.type));
  const auto shape = pixels.sizes().vec();
  tables.shapes.insert(tables.shapes.end(), shape.begin(), shape.end());
  const auto of = statistics_of(image.prepared.image);
  tables.statistics.insert(tables.statistics.end(),
                           {of.minimum, of.maximum, of.mean, of.deviation});
  const auto axes = shape.size() - 1;
  const auto& geometry = image.prepared.geometry;
  append(tables.geometries, geometry.spacing_mm, axes);
  append(tables.geometries, geometry.origin_mm, axes);
  append(tables.geometries, geometry.direction, axes * axes);
}

void add(Hdf5Builder& file, const Tables& tables, std::int64_t rows) {
  const auto table = [&](const char* name, Hdf5Type type, const auto& values) {
    file.add(std::string("table/") + name, type,
             {rows, static_cast<std::int64_t>(values.size()) / rows}, values.data());
  };
  table("offset", Hdf5Type::int64, tables.offsets);
  table("checksum", Hdf5Type::int64, tables.checksums);
  table("type", Hdf5Type::int64, tables.types);
  table("shape", Hdf5Type::int64, tables.shapes);
  table("statistics", Hdf5Type::float64, tables.statistics);
  table("geometry", Hdf5Type::float64, tables.geometries);
}

}  // namespace

CachedType cached_type(const Preparation& preparation, at::ScalarType stored) {
  if (preparation.intensity == "none") return CachedType::float32;
  return c10::elementSize(stored) == 1 ? CachedType::uint8 : CachedType::uint16;
}

std::int64_t bytes_of(CachedType type) {
  return type == CachedType::uint8 ? 1 : type == CachedType::uint16 ? 2 : 4;
}

CacheWriter::CacheWriter(fs::path folder, std::int64_t images, const std::string& options,
                         std::int64_t bytes)
    : folder_(std::move(folder)), images_(images) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw Error("cannot make the folder " + folder_.string() + ": " + error.message());
  if (const auto begun = description_of(folder_)) {
    if (begun->images != images)
      throw DataError(folder_.string() + ": holds a cache of " + std::to_string(begun->images) +
                      " images, not of these " + std::to_string(images) +
                      "; remove it and prepare again");
    per_file_ = begun->per_file;
    return;
  }
  per_file_ =
      std::clamp(kBytesPerFile / std::max<std::int64_t>(1, bytes), std::int64_t{1}, kMostPerFile);
  const Json json{{"format", kFormat},
                  {"images", images_},
                  {"images_per_file", per_file_},
                  {"options", options}};
  const auto text = json.dump(2) + "\n";
  write_new_file(folder_ / kDescription, text.data(), text.size());
}

std::vector<std::int64_t> CacheWriter::missing() const {
  std::vector<std::int64_t> numbers;
  for (std::int64_t number = 0; number < Description{images_, per_file_}.files(); ++number)
    if (!fs::exists(file_of(folder_, number))) numbers.push_back(number);
  return numbers;
}

std::pair<std::int64_t, std::int64_t> CacheWriter::range(std::int64_t file) const {
  return {file * per_file_, std::min(images_, (file + 1) * per_file_)};
}

void CacheWriter::write(std::int64_t file, const std::vector<CachedImage>& images) const {
  // HDF5 need not have been built for several threads.
  static std::mutex building;
  std::vector<char> bytes;
  {
    const std::lock_guard lock(building);
    Hdf5Builder builder;
    Tables tables;
    for (const auto& image : images) add(builder, tables, image);
    add(builder, tables, static_cast<std::int64_t>(images.size()));
    bytes = builder.bytes();
  }
  write_new_file(file_of(folder_, file), bytes.data(), bytes.size());
}

namespace {

// A file's bytes as memory.
class Mapped {
 public:
  explicit Mapped(fs::path path) : path_(std::move(path)) {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    const auto length = file < 0 ? -1 : ::lseek(file, 0, SEEK_END);
    if (length > 0) {
      length_ = static_cast<std::size_t>(length);
      bytes_ = ::mmap(nullptr, length_, PROT_READ, MAP_SHARED, file, 0);
    }
    const auto reason = std::string(std::strerror(errno));
    if (file >= 0) ::close(file);
    if (length <= 0 || bytes_ == MAP_FAILED)
      throw DataError(path_.string() + ": cannot be mapped into memory (" + reason + ")");
  }
  ~Mapped() { ::munmap(bytes_, length_); }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  const std::uint8_t* at(std::int64_t offset) const {
    return static_cast<const std::uint8_t*>(bytes_) + offset;
  }
  std::int64_t length() const { return static_cast<std::int64_t>(length_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  std::size_t length_ = 0;
  void* bytes_ = MAP_FAILED;
};

struct Entry {
  const Mapped* file;
  CachedType type;
  std::vector<std::int64_t> shape;
  std::int64_t offset[2];  // of image and label
  std::int64_t checksum[2];
  ImageStatistics statistics;
  Geometry geometry;

  std::int64_t voxels() const {
    std::int64_t product = 1;
    for (const auto length : shape) product *= length;
    return product;
  }
  std::vector<std::int64_t> label_shape() const {
    auto out = shape;
    out[0] = 1;
    return out;
  }
  std::int64_t bytes(int part) const {
    return part == 0 ? voxels() * bytes_of(type) : voxels() / shape[0];
  }
};

[[noreturn]] void damaged(const fs::path& file) {
  throw DataError(file.string() +
                  ": is damaged; remove it and run the same covector data prepare again");
}

Entry entry_of(const Mapped& file, const Tables& tables, std::size_t row,
               std::size_t channels_axes) {
  const auto axes = channels_axes - 1;
  Entry entry{&file, static_cast<CachedType>(tables.types[row]), {}, {}, {}, {}, {}};
  const auto* shape = tables.shapes.data() + row * channels_axes;
  entry.shape.assign(shape, shape + channels_axes);
  for (int part = 0; part < 2; ++part) {
    entry.offset[part] = tables.offsets[2 * row + static_cast<std::size_t>(part)];
    entry.checksum[part] = tables.checksums[2 * row + static_cast<std::size_t>(part)];
    const bool absent = part == 1 && entry.offset[part] == 0;
    if (!absent && (entry.offset[part] <= 0 || entry.voxels() <= 0 ||
                    entry.offset[part] + entry.bytes(part) > file.length()))
      damaged(file.path());
  }
  const auto* numbers = tables.statistics.data() + 4 * row;
  entry.statistics = {numbers[0], numbers[1], numbers[2], numbers[3]};
  const auto* placed = tables.geometries.data() + row * (2 * axes + axes * axes);
  entry.geometry = {known(placed, axes), known(placed + axes, axes),
                    known(placed + 2 * axes, axes * axes)};
  return entry;
}

// So that whoever looks at it later, such as the thread that trains, does not wait for the disk.
void bring_into_memory(const std::uint8_t* bytes, std::int64_t count) {
  constexpr std::int64_t kPage = 4096;
  for (std::int64_t i = 0; i < count; i += kPage)
    static_cast<void>(*static_cast<const volatile std::uint8_t*>(bytes + i));
}

void read_entries(const Mapped& file, std::size_t rows, std::vector<Entry>& entries) {
  const auto integers = [&](const char* name) {
    return read_integers(file.path(), std::string("table/") + name);
  };
  Tables tables{integers("offset"),
                integers("checksum"),
                integers("type"),
                integers("shape"),
                read_numbers(file.path(), "table/statistics"),
                read_numbers(file.path(), "table/geometry")};
  const auto axes = tables.shapes.size() / rows;
  const auto spatial = axes - 1;
  if (axes < 3 || axes > 4 || tables.offsets.size() != 2 * rows ||
      tables.checksums.size() != 2 * rows || tables.types.size() != rows ||
      tables.shapes.size() != axes * rows || tables.statistics.size() != 4 * rows ||
      tables.geometries.size() != (2 * spatial + spatial * spatial) * rows)
    damaged(file.path());
  for (std::size_t row = 0; row < rows; ++row) entries.push_back(entry_of(file, tables, row, axes));
}

}  // namespace

struct PreparedCache::State {
  std::vector<std::unique_ptr<Mapped>> files;
  std::vector<Entry> entries;
};

PreparedCache::PreparedCache(const fs::path& folder) {
  const auto description = description_of(folder);
  if (!description)
    throw DataError(folder.string() +
                    ": is not there, or not yet begun; these images, with these options, have not "
                    "been prepared");
  std::int64_t missing = 0;
  for (std::int64_t number = 0; number < description->files(); ++number)
    if (!fs::exists(file_of(folder, number))) ++missing;
  if (missing > 0)
    throw DataError(folder.string() + ": is not complete, " + std::to_string(missing) + " of " +
                    std::to_string(description->files()) + " files are missing");
  const auto state = std::make_shared<State>();
  for (std::int64_t number = 0; number < description->files(); ++number) {
    const auto first = number * description->per_file;
    const auto rows = std::min(description->per_file, description->images - first);
    state->files.push_back(std::make_unique<Mapped>(file_of(folder, number)));
    read_entries(*state->files.back(), static_cast<std::size_t>(rows), state->entries);
  }
  state_ = state;
}

PreparedCache::~PreparedCache() = default;

std::int64_t PreparedCache::size() const {
  return static_cast<std::int64_t>(state_->entries.size());
}

Prepared PreparedCache::read(std::int64_t index) const {
  auto out = stored(index);
  out.image = steps(index) > 0 ? values_of(out.image, steps(index)) : out.image.clone();
  if (out.label) out.label = out.label->to(torch::kInt64);
  return out;
}

Prepared PreparedCache::stored(std::int64_t index) const {
  const auto& entry = state_->entries.at(static_cast<std::size_t>(index));
  const auto mapped = [&](int part, const std::vector<std::int64_t>& shape, at::ScalarType type) {
    // Nobody writes to a sample; the memory would refuse it.
    auto* bytes = const_cast<std::uint8_t*>(entry.file->at(entry.offset[part]));
    bring_into_memory(bytes, entry.bytes(part));
    return torch::from_blob(
        bytes, shape, [state = state_](void*) {}, type);
  };
  Prepared out{mapped(0, entry.shape, scalar_type(entry.type)), {}, entry.geometry};
  if (entry.offset[1] > 0) out.label = mapped(1, entry.label_shape(), torch::kByte);
  return out;
}

float PreparedCache::steps(std::int64_t index) const {
  return steps_of(state_->entries.at(static_cast<std::size_t>(index)).type);
}

ImageStatistics PreparedCache::statistics(std::int64_t index) const {
  return state_->entries.at(static_cast<std::size_t>(index)).statistics;
}

void PreparedCache::verify(std::int64_t index) const {
  const auto& entry = state_->entries.at(static_cast<std::size_t>(index));
  for (int part = 0; part < 2; ++part)
    if (entry.offset[part] > 0 &&
        static_cast<std::int64_t>(checksum_of(entry.file->at(entry.offset[part]),
                                              static_cast<std::size_t>(entry.bytes(part)))) !=
            entry.checksum[part])
      damaged(entry.file->path());
}

}  // namespace covector::datasets
