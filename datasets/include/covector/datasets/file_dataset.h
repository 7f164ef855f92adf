#pragma once

#include "covector/core/dataset.h"
#include "covector/core/schema.h"
#include "covector/datasets/image.h"
#include "covector/datasets/preparation.h"
#include "covector/datasets/splits.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::datasets {

class PreparedCache;

/// What the options of every dataset of files have; a dataset's own options derive from it.
struct COVECTOR_API FileOptions {
  std::string root;
  SplitOptions split;
  Preparation prepare;
  std::string on_error = "stop";
  std::string prepared;
};

/// Describes those of `root` and, after the set's own, the others.
template <class Options>
void describe_root(Schema<Options>& schema) {
  schema.field("root", static_cast<std::string Options::*>(&Options::root))
      .doc("folder of the set");
  schema.rule([](const Options& options) {
    return options.root.empty() ? std::string("needs root = \"...\", the folder of the set")
                                : std::string();
  });
}
template <class Options>
void describe_files(Schema<Options>& schema) {
  schema.field("split", static_cast<SplitOptions Options::*>(&Options::split))
      .doc("which images train, validate and test");
  schema.field("prepare", static_cast<Preparation Options::*>(&Options::prepare))
      .doc("how a file becomes an image");
  schema.field("on_error", static_cast<std::string Options::*>(&Options::on_error))
      .doc(
          "\"stop\" at a file that cannot be used, or \"skip\" it: every file is then read once "
          "when "
          "the set is opened, and the report lists what was left out")
      .one_of({"stop", "skip"});
  schema.field("prepared", static_cast<std::string Options::*>(&Options::prepared))
      .doc(
          "folder that `covector data prepare` filled, from which prepared images are then taken; "
          "empty: each is prepared when it is read");
}

/// One image of a set, found but not read.
struct COVECTOR_API Case {
  std::string stem;             // names it in split files: its path in the set, without extension
  std::filesystem::path image;  // file, or folder of a series
  std::vector<std::filesystem::path> masks = {};  // that make its label, as the set orders them
  std::string patient = {};                       // empty where the source names none
  std::optional<std::int64_t> image_class = {};
  std::optional<Split> split = {};  // where the source itself says
  std::int64_t slice = -1;          // of a volume that is served slice by slice

  /// Unique in the set and usable as a file name.
  std::string id() const;
};

/// How many there should be by the set's own description, and how many there are.
struct Count {
  std::string what;
  std::int64_t official;
  std::int64_t found;
};

/// What a set finds below its root, without reading pixels.
struct Listing {
  std::vector<Case> cases;
  std::vector<std::string> problems = {};  // what cannot be used: path, reason, remedy
  std::string layout = {};                 // which of the layouts it comes in was recognised
  std::vector<Count> counts = {};          // against the official ones
  std::vector<std::string> notes = {};     // what its user should know; open() prints them
};

/// An image as stored and its label on the same grid.
struct Stored {
  Image image;
  std::optional<at::Tensor> label = {};  // [1, ...] integer classes
};

/// What datasets of files share: splits, patients kept apart, files that cannot be used,
/// preparation. A set says what it finds (list) and how a case is read (load).
class COVECTOR_API FileDataset : public Dataset {
 public:
  void open() final;
  std::int64_t size() const final { return static_cast<std::int64_t>(cases_.size()); }
  Sample get(std::int64_t index) const final;
  Sample stored(std::int64_t index) const final;
  Sample read(const std::filesystem::path& file) const final;
  std::string id(std::int64_t index) const final { return at(index).id(); }
  std::string patient(std::int64_t index) const final { return at(index).patient; }
  std::optional<std::int64_t> image_class(std::int64_t index) const final {
    return at(index).image_class;
  }
  std::vector<std::int64_t> indices(Split split) const final;
  std::string fingerprint() const final;
  std::vector<std::string> skipped() const final { return skipped_; }

  /// Takes these cases, draws their splits and checks them: the last part of open(). Throws
  /// DataError; the splits are drawn then, where they could be.
  void use(std::vector<Case> cases);
  /// What get() yields of a case as load() gives it.
  Sample sample_of(const Case& item, const Stored& stored) const;

  /// Names the cache of these images: a hash of the options that make a sample and of each file.
  /// Once open.
  std::string preparation_key() const;
  /// Where the cache of these images lies in the folder `prepared`. Once open.
  std::filesystem::path cache_folder(const std::filesystem::path& prepared) const;
  /// Takes samples from files().prepared from now on, as open() does where it is set. Throws
  /// DataError when what is there was prepared from other files or with other options, or is not
  /// complete.
  const PreparedCache& use_prepared();

  /// Throws DataError where nothing can be recognised below root.
  virtual Listing list() = 0;
  /// Thread-safe. Throws DataError naming the file.
  virtual Stored load(const Case& item) const = 0;
  /// An image file from outside, read as the set's own are.
  virtual Image load_image(const std::filesystem::path& file) const = 0;
  /// Images in each part in the published comparison; empty where there is none.
  virtual SplitCounts paper_counts() const { return {}; }

  /// Once open.
  const Case& at(std::int64_t index) const { return cases_.at(static_cast<std::size_t>(index)); }
  std::optional<Split> split_of(std::int64_t index) const {
    return parts_.at(static_cast<std::size_t>(index));
  }
  bool has_splits() const;  // whether any image is in one
  const FileOptions& files() const { return files_; }

 protected:
  /// @param options  all of the set's, with their values
  FileDataset(FileOptions files, OptionTable options);
  /// Files beside images and masks that what it yields depends on, such as tables.
  virtual std::vector<std::filesystem::path> tables() const { return {}; }

 private:
  Sample named(Prepared prepared, const Case& item) const;
  std::vector<std::filesystem::path> all_files() const;
  std::vector<Case> usable(Listing listing);
  std::vector<Case> readable(const std::vector<Case>& cases);
  void assign_splits();
  void draw();
  void match();
  void check_splits() const;

  FileOptions files_;
  OptionTable options_;
  std::vector<Case> cases_;
  std::vector<std::optional<Split>> parts_;  // one a case
  std::vector<std::string> skipped_;
  std::shared_ptr<const PreparedCache> cache_;  // where images are taken from one
};

}  // namespace covector::datasets
