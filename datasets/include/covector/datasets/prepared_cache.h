#pragma once

#include "covector/datasets/preparation.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace covector::datasets {

/// How the values of an image are kept: as round(255 v) or round(65535 v), for values of [0, 1], or
/// as they are.
enum class CachedType { uint8, uint16, float32 };
/// What is kept of an image stored as `stored`: 8 bits as 8 bits, all else as 16; float32 where the
/// preparation leaves intensities as they are.
COVECTOR_API CachedType cached_type(const Preparation& preparation, at::ScalarType stored);
/// Of one value.
COVECTOR_API std::int64_t bytes_of(CachedType type);

/// An image on its way into a cache.
struct CachedImage {
  std::string id;
  CachedType type;
  Prepared prepared;
};

/// Of the values of a prepared image.
struct ImageStatistics {
  double minimum;
  double maximum;
  double mean;
  double deviation;  // over all values, not an estimate from a sample
};

/// Prepared images on disk, in HDF5 files of some images each. A file appears under its name once
/// it is whole and on the disk, so that what is there can be believed.
///
///   cache.json         how many images, how many a file, the options they were prepared with
///   00000.h5 ...       images/ID [C, (D,) H, W], value = stored * its attribute `scale`
///                      labels/ID [1, (D,) H, W] uint8
///                      table/    where each lies in the file, statistics, geometry, XXH3 checksums
///
/// Datasets are contiguous: they are read through a memory map, without HDF5.
class COVECTOR_API CacheWriter {
 public:
  /// Makes the folder, or goes on with the one that is there.
  /// @param options  as text, for people
  /// @param bytes    of one image, about; decides how many go into a file
  /// @throws Error when the folder cannot be written, DataError when it holds something else
  CacheWriter(std::filesystem::path folder, std::int64_t images, const std::string& options,
              std::int64_t bytes);

  /// Files, by number, that are not there yet.
  std::vector<std::int64_t> missing() const;
  /// First image of a file, and the one after its last.
  std::pair<std::int64_t, std::int64_t> range(std::int64_t file) const;
  /// From several threads at once. Throws Error naming the file and the reason, such as a full
  /// disk.
  void write(std::int64_t file, const std::vector<CachedImage>& images) const;

 private:
  std::filesystem::path folder_;
  std::int64_t images_;
  std::int64_t per_file_;
};

class COVECTOR_API PreparedCache {
 public:
  /// @throws DataError when the folder holds no whole cache
  explicit PreparedCache(const std::filesystem::path& folder);
  ~PreparedCache();

  std::int64_t size() const;
  /// Thread-safe. The values are at most half a step of the kept type off those that were prepared.
  Prepared read(std::int64_t index) const;
  /// The same as it is kept, in the mapped file, which lives as long as the tensors: image and
  /// label of their kept types, the label uint8.
  Prepared stored(std::int64_t index) const;
  /// Of the image that stored() gives: its values are image / steps, or the image where that is 0.
  float steps(std::int64_t index) const;
  ImageStatistics statistics(std::int64_t index) const;
  /// Throws DataError naming file and image when a checksum is not what was written.
  void verify(std::int64_t index) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace covector::datasets
