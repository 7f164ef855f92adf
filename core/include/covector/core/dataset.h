#pragma once

#include "covector/core/sample.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace covector {

enum class Split { train, validation, test };
COVECTOR_API std::string_view to_string(Split split);

/// Where images and labels come from. Built from options alone; open() is the first to touch a
/// file.
class COVECTOR_API Dataset {
 public:
  static constexpr std::string_view kind = "dataset";
  using CreateArgs = std::tuple<>;
  virtual ~Dataset();

  /// Channels and dimensions, known from the options.
  virtual InputSpec input() const = 0;
  /// Finds and checks the files. Throws DataError with the path.
  virtual void open() = 0;

  virtual std::int64_t size() const = 0;
  /// Called from several threads at once; the same index always gives the same sample. Throws
  /// DataError.
  virtual Sample get(std::int64_t index) const = 0;
  /// The same sample with image and label in the types that they are kept in, which saves time
  /// where a view shows a part of the image: only that is converted. See Sample::steps.
  virtual Sample stored(std::int64_t index) const { return get(index); }
  virtual std::string id(std::int64_t index) const = 0;
  virtual std::string patient(std::int64_t index) const = 0;
  /// Ascending indices of a part; the parts do not overlap.
  virtual std::vector<std::int64_t> indices(Split split) const = 0;
  /// Names of the label values, 0 = background first. Empty when there are no labels, and before
  /// open() where the options leave the names to a file.
  virtual std::vector<std::string> classes() const = 0;
  /// Names of the classes that images as a whole belong to. Empty where they have none.
  virtual std::vector<std::string> image_classes() const { return {}; }
  /// One of them by number, known without reading the image; nothing where it has none.
  virtual std::optional<std::int64_t> image_class(std::int64_t) const { return std::nullopt; }
  /// Whether the names of classes are known before open().
  virtual bool knows_classes() const { return !classes().empty() || !image_classes().empty(); }
  /// Reads an image file from outside the set and prepares it as the set's own; no label. Does not
  /// need open(). Throws DataError.
  virtual Sample read(const std::filesystem::path& file) const = 0;
  /// Changes when files, order, splits or preparation change; recorded in every run.
  virtual std::string fingerprint() const = 0;
  /// Files left out because the recipe says on_error = "skip", each with its reason.
  virtual std::vector<std::string> skipped() const { return {}; }
};

}  // namespace covector
