#include "support/catch.h"

#include "made_up_set.h"

#include "prepare.h"
#include "source.h"

#include "covector/core/error.h"
#include "covector/datasets/prepared_cache.h"

#include <nlohmann/json.hpp>

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <sstream>

using namespace covector;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace fs = std::filesystem;

namespace {

std::shared_ptr<datasets::FileDataset> set_of(const std::string& recipe,
                                              const std::vector<std::string>& set = {}) {
  data_command::Request request;
  request.action = "check";
  request.recipe = recipe;
  request.set = set;
  return data_command::source_of(request, {}).set;
}

std::shared_ptr<datasets::FileDataset> opened(const std::string& recipe,
                                              const std::vector<std::string>& set = {}) {
  auto dataset = set_of(recipe, set);
  dataset->open();
  return dataset;
}

// The largest difference of any value, with labels and places the same.
double difference(const Dataset& a, const Dataset& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const auto x = a.get(i);
    const auto y = b.get(i);
    CHECK(x.id == y.id);
    CHECK(x.patient == y.patient);
    CHECK(x.image_class == y.image_class);
    CHECK(x.geometry.spacing_mm == y.geometry.spacing_mm);
    CHECK(x.geometry.origin_mm == y.geometry.origin_mm);
    CHECK(x.geometry.direction == y.geometry.direction);
    REQUIRE(x.label.has_value() == y.label.has_value());
    if (x.label) CHECK(torch::equal(*x.label, *y.label));
    REQUIRE(x.image.sizes() == y.image.sizes());
    CHECK(y.image.scalar_type() == torch::kFloat);
    most = std::max(most, (x.image - y.image).abs().max().item<double>());
  }
  return most;
}

// Ten pictures of one value each, the seventh of which that is read comes with a Ctrl-C.
class Interrupted final : public datasets::FileDataset {
 public:
  Interrupted() : FileDataset(options(), {}) {}
  InputSpec input() const override { return {1, 2}; }
  std::vector<std::string> classes() const override { return {}; }
  datasets::Listing list() override {
    datasets::Listing listing;
    for (int i = 0; i < 10; ++i) {
      const auto name = "c" + std::to_string(i);
      listing.cases.push_back({name, fs::path(name)});
    }
    return listing;
  }
  datasets::Stored load(const datasets::Case& item) const override {
    if (++loaded_ == 7) std::raise(SIGINT);
    return {load_image(item.image)};
  }
  datasets::Image load_image(const fs::path&) const override {
    return {torch::full({1, 2, 2}, 51, torch::kUInt8), {}, {}};
  }

 private:
  static datasets::FileOptions options() {
    datasets::FileOptions options;
    options.root = "nowhere";
    options.split.fractions = {1, 0, 0};
    return options;
  }
  mutable int loaded_ = 0;
};

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  return files;
}

}  // namespace

TEST_CASE("prepared 8-bit images are within half a step of 1/255", "[data][prepare]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto recipe = write_recipe(folder);
  const auto out = (folder / "out").string();
  const std::string as_prepared = "dataset.prepared=\"" + out + "\"";
  const auto [code, text] = run_data({"prepare", "--recipe", recipe, out, "--jobs", "2"});
  CHECK(code == 0);
  CHECK_THAT(text, Contains("10 images, 480 bytes in " + out));  // 10 x 24 pixels, twice
  CHECK_THAT(text, Contains("prepared = \"" + out + "\""));
  const auto plain = opened(recipe);
  const auto cached = opened(recipe, {as_prepared});
  // 8-bit values of a file are k / 255 as they are: nothing is lost.
  CHECK(difference(*plain, *cached) == 0);
  CHECK(plain->fingerprint() != cached->fingerprint());
  // The same wherever the cache lies.
  fs::rename(out, folder / "elsewhere");
  const auto moved =
      opened(recipe, {"dataset.prepared=\"" + (folder / "elsewhere").string() + "\""});
  CHECK(moved->fingerprint() == cached->fingerprint());

  const std::vector<std::string> resized{"dataset.prepare.size=[5, 7]"};
  run_data({"prepare", "--recipe", recipe, out, "-s", resized[0]});
  const auto off = difference(*opened(recipe, resized), *opened(recipe, {resized[0], as_prepared}));
  CHECK(off > 0);
  CHECK(off <= 0.5 / 255 + 1e-7);
}

TEST_CASE("prepared 16-bit and unscaled volumes", "[data][prepare]") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "images");
  for (int i = 0; i < 3; ++i) {
    // Of several sizes, with a placement.
    NiftiBytes nifti;
    nifti.size = {3, 4, static_cast<std::int16_t>(2 + i)};
    for (int v = 0; v < 12 * (2 + i); ++v)
      nifti.voxels.push_back(static_cast<std::int16_t>(37 * v * (i + 1) - 500));
    write_file(folder / ("images/v" + std::to_string(i) + ".nii"), nifti.file());
  }
  const auto recipe = (folder / "set.toml").string();
  write_file(recipe, "[dataset]\ntype = \"image_folder\"\nroot = \"" + folder.path().string() +
                         "\"\nimages = \"images\"\ndimensions = 3\nsplit.fractions = [1, 0, 0]\n");
  const auto out = (folder / "out").string();
  const std::string as_prepared = "dataset.prepared=\"" + out + "\"";
  const auto compared = [&](const std::string& intensity) {
    const auto option = "dataset.prepare.intensity=" + intensity;
    run_data({"prepare", "--recipe", recipe, out, "-s", option});
    return difference(*opened(recipe, {option}), *opened(recipe, {option, as_prepared}));
  };
  const auto off = compared("minmax");
  CHECK(off > 0);
  CHECK(off <= 0.5 / 65535 + 1e-7);
  CHECK(compared("none") == 0);  // float32, as they are

  const auto cached = opened(recipe, {"dataset.prepare.intensity=none", as_prepared});
  const auto& cache = cached->use_prepared();
  REQUIRE(cache.size() == 3);
  // 37 (0 .. 23) - 500: mean 37 * 11.5 - 500, variance 37^2 (24^2 - 1) / 12.
  CHECK(cache.statistics(0).minimum == -500);
  CHECK(cache.statistics(0).maximum == 37 * 23 - 500);
  CHECK(cache.statistics(0).mean == Approx(-74.5));
  CHECK(cache.statistics(0).deviation == Approx(37 * std::sqrt(575.0 / 12)));
}

TEST_CASE("a prepared sample is handed on as it is kept, and outlives its dataset",
          "[data][prepare]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto recipe = write_recipe(folder);
  const auto out = (folder / "out").string();
  const auto [intensity, type, steps] = GENERATE(table<std::string, at::ScalarType, float>(
      {{"unit", torch::kByte, 255.0F}, {"none", torch::kFloat, 0.0F}}));
  const auto option = "dataset.prepare.intensity=" + intensity;
  run_data({"prepare", "--recipe", recipe, out, "-s", option});
  Sample stored;
  Sample sample;
  {
    const auto set = opened(recipe, {option, "dataset.prepared=\"" + out + "\""});
    stored = set->stored(1);
    sample = set->get(1);
  }
  CHECK(stored.image.scalar_type() == type);
  CHECK(stored.steps == steps);
  CHECK(stored.id == sample.id);
  CHECK(torch::equal(steps > 0 ? stored.image.to(torch::kFloat) / steps : stored.image,
                     sample.image));
  REQUIRE(stored.label);
  CHECK(stored.label->scalar_type() == torch::kByte);
  CHECK(torch::equal(stored.label->to(torch::kInt64), *sample.label));
}

TEST_CASE("a cache of other options or files is not taken", "[data][prepare][errors]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto recipe = write_recipe(folder);
  const auto out = (folder / "out").string();
  const std::string as_prepared = "dataset.prepared=\"" + out + "\"";
  CHECK_THROWS_WITH(opened(recipe, {as_prepared}),
                    Contains("have not been prepared") && Contains("run covector data prepare"));
  run_data({"prepare", "--recipe", recipe, out});
  CHECK_THROWS_WITH(opened(recipe, {as_prepared, "dataset.prepare.size=[2, 3]"}),
                    Contains("have not been prepared"));
  // Which images train is no matter of preparation.
  CHECK_NOTHROW(opened(recipe, {as_prepared, "dataset.split.seed=4"}));
  run_data({"prepare", "--recipe", recipe, out, "-s", "dataset.prepare.size=[2, 3]"});
  CHECK_NOTHROW(opened(recipe, {as_prepared, "dataset.prepare.size=[2, 3]"}));
  CHECK_NOTHROW(opened(recipe, {as_prepared}));
  write_case(folder, "p4_9", 91, 9);  // another picture under the same name
  CHECK_THROWS_AS(opened(recipe, {as_prepared}), DataError);
}

TEST_CASE("preparing goes on where it stopped and believes whole files alone", "[data][prepare]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto recipe = write_recipe(folder);
  const auto out = (folder / "out").string();
  const auto dataset = opened(recipe);
  const auto cache = dataset->cache_folder(out);
  // Files of four images: as a run that was stopped left them.
  const datasets::CacheWriter writer(cache, 10, "", (16 << 20) / 4);
  CHECK(writer.missing() == std::vector<std::int64_t>{0, 1, 2});
  CHECK(writer.range(2) == std::pair<std::int64_t, std::int64_t>{8, 10});
  const auto image_of = [&](std::int64_t i) {
    const auto sample = dataset->get(i);
    return datasets::CachedImage{
        sample.id, datasets::CachedType::uint8, {sample.image, sample.label, sample.geometry}};
  };
  writer.write(1, {image_of(4), image_of(5), image_of(6), image_of(7)});
  write_file(cache / "00000.h5.writing-1", "half of it");
  const std::string as_prepared = "dataset.prepared=\"" + out + "\"";
  CHECK_THROWS_WITH(opened(recipe, {as_prepared}), Contains("2 of 3 files are missing"));
  const auto before = fs::last_write_time(cache / "00001.h5");
  const auto [code, text] = run_data({"prepare", "--recipe", recipe, out});
  CHECK(code == 0);
  CHECK_THAT(text, Contains("4 of them are there already"));
  CHECK(fs::last_write_time(cache / "00001.h5") == before);
  CHECK(difference(*dataset, *opened(recipe, {as_prepared})) == 0);
}

TEST_CASE("Ctrl-C finishes the file at hand, and the same command goes on", "[data][prepare]") {
  const TemporaryFolder folder;
  Interrupted set;
  set.open();
  const auto cache = set.cache_folder(folder.path());
  const datasets::CacheWriter writer(cache, 10, "", (16 << 20) / 4);  // files of four images
  std::ostringstream first;
  // Five are read to say how large it will be; then the second of the first file stops it.
  CHECK(data_command::prepare(set, folder.path(), "", 1, first) == 128 + SIGINT);
  CHECK_THAT(first.str(), Contains("Stopped. What is finished is kept"));
  CHECK(writer.missing() == std::vector<std::int64_t>{1, 2});
  std::ostringstream second;
  CHECK(data_command::prepare(set, folder.path(), "", 1, second) == 0);
  CHECK_THAT(second.str(), Contains("4 of them are there already"));
  const datasets::PreparedCache whole(cache);
  REQUIRE(whole.size() == 10);
  CHECK(torch::equal(whole.read(9).image, torch::full({1, 2, 2}, 51 / 255.0F)));
}

TEST_CASE("what is damaged in a cache is found", "[data][prepare][errors]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto recipe = write_recipe(folder);
  const auto out = (folder / "out").string();
  const std::string as_prepared = "dataset.prepared=\"" + out + "\"";
  run_data({"prepare", "--recipe", recipe, out});
  const auto [good, text] = run_data({"check", "--recipe", recipe, "-s", as_prepared});
  CHECK(good == 0);
  CHECK_THAT(text, Contains("10 images, checksums right"));
  const auto files = files_of(out);
  REQUIRE(files.size() == 1);
  // The third picture begins with the bytes 20, 21, 22, ...
  std::string bytes;
  {
    std::ifstream file(files[0], std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::string picture(24, '\0');
  for (int i = 0; i < 24; ++i) picture[static_cast<std::size_t>(i)] = static_cast<char>(20 + i);
  const auto at = bytes.find(picture);
  REQUIRE(at != std::string::npos);
  bytes[at + 5] = 99;
  write_file(files[0], bytes);
  const auto [bad, why] = run_data({"check", "--recipe", recipe, "-s", as_prepared});
  CHECK(bad == 4);
  CHECK_THAT(why, Contains("00000.h5: is damaged"));
  write_file(files[0], bytes.substr(0, bytes.size() / 2));
  CHECK_THROWS_WITH(opened(recipe, {as_prepared}), Contains("00000.h5"));
  write_file(files[0].parent_path() / "cache.json", "{\"format\": 7}");
  CHECK_THROWS_WITH(opened(recipe, {as_prepared}), Contains("is of format 7"));
  write_file(files[0].parent_path() / "cache.json", "[]");
  CHECK_THROWS_WITH(opened(recipe, {as_prepared}),
                    Contains("is no description of prepared images"));
}

TEST_CASE("preparing says what cannot be written", "[data][prepare][errors]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto recipe = write_recipe(folder);
  write_file(folder / "file", "");
  CHECK_THROWS_WITH(run_data({"prepare", "--recipe", recipe, (folder / "file").string()}),
                    Contains("cannot make the folder"));
  // A limit on the length of files stands for a full disk.
  const auto out = (folder / "out").string();
  const datasets::CacheWriter writer(opened(recipe)->cache_folder(out), 10, "", 48);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto signal_before = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit low{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &low);
  std::string what;
  try {
    run_data({"prepare", "--recipe", recipe, out});
  } catch (const Error& error) {
    what = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, signal_before);
  CHECK_THAT(what, Contains("cannot write " + out) && Contains("00000.h5: File too large"));
  CHECK(files_of(out).empty());
  CHECK(run_data({"prepare", "--recipe", recipe, out}).first == 0);
  // Other images under the name of a cache.
  CHECK_THROWS_WITH(datasets::CacheWriter(opened(recipe)->cache_folder(out), 9, "", 48),
                    Contains("holds a cache of 10 images, not of these 9"));
}

TEST_CASE("sizes as people read them", "[data][prepare]") {
  CHECK(data_command::size_text(480) == "480 bytes");
  CHECK(data_command::size_text(29.4e9) == "29.4 GB");
  CHECK(data_command::size_text(280e9) == "280 GB");
}
