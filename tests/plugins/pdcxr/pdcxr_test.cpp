#include "support/catch.h"

#include "datasets/files.h"
#include "support/datasets/pdcxr_tree.h"

#include "pdcxr.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <map>
#include <set>

using namespace covector;
using namespace covector::pdcxr;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

Options options(const std::filesystem::path& root) {
  Options o;
  o.root = root.string();
  return o;
}

Pdcxr opened(const Options& o) {
  Pdcxr set(o);
  set.open();
  return set;
}

/// Images of a class in a part.
std::int64_t number_of(const Pdcxr& set, Split split, std::int64_t image_class) {
  const auto all = set.indices(split);
  return std::count_if(all.begin(), all.end(),
                       [&](auto i) { return set.image_class(i) == image_class; });
}

}  // namespace

TEST_CASE("the names of PDCXR say kind and patient", "[pdcxr]") {
  const auto check = [](const std::string& name, const std::string& kind,
                        const std::string& patient) {
    INFO(name);
    const auto parsed = parse_name(name);
    REQUIRE(parsed);
    CHECK(parsed->kind == kind);
    CHECK(parsed->patient == patient);
  };
  check("NORMAL-1049278-0001", "NORMAL", "NORMAL 1049278");
  check("BACTERIA-1008087-0002", "BACTERIA", "BACTERIA 1008087");
  check("VIRUS-1005319-0001", "VIRUS", "VIRUS 1005319");
  check("person1000_bacteria_2981", "BACTERIA", "BACTERIA 1000");
  check("person101_virus_187", "VIRUS", "VIRUS 101");
  check("IM-0115-0001", "NORMAL", "IM 0115");
  check("IM-0429-0001-0001", "NORMAL", "IM 0429");
  check("NORMAL2-IM-0035-0001", "NORMAL", "NORMAL2-IM 0035");
  check("NORMAL2-IM-0173-0001-0002", "NORMAL", "NORMAL2-IM 0173");
  CHECK_FALSE(parse_name("image_1"));
  CHECK_FALSE(parse_name("person1000"));
}

TEST_CASE("Mendeley's layout, gray and RGB mixed, classes by folder", "[pdcxr]") {
  const TemporaryFolder folder;
  make_pdcxr_tree(folder.path(), PdcxrLayout::mendeley, 3);
  const auto set = opened(options(folder.path()));
  // 3 patients of each of 3 kinds to train, one of each to test, two images a patient.
  REQUIRE(set.size() == 24);
  CHECK(set.image_classes() == std::vector<std::string>{"NORMAL", "PNEUMONIA"});
  CHECK(set.classes().empty());
  CHECK(set.id(0) == "train_NORMAL_NORMAL-1049280-0001");
  CHECK(set.patient(0) == "NORMAL 1049280");
  std::set<std::int64_t> channels;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    channels.insert(set.load(set.at(i)).image.pixels.size(0));
    const auto sample = set.get(i);
    CHECK(sample.image.sizes() == std::vector<std::int64_t>{1, 512, 512});
    CHECK(sample.image_class == (set.at(i).stem.find("/NORMAL/") == std::string::npos ? 1 : 0));
  }
  CHECK(channels == std::set<std::int64_t>{1, 3});
  // A gray JPEG and the same as RGB.
  CHECK(torch::allclose(set.get(0).image, set.get(set.size() - 1).image, 0, 1.5 / 255));

  Pdcxr fresh(options(folder.path()));
  const auto listing = fresh.list();
  CHECK(listing.layout == "Mendeley, without val");
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> counts;
  for (const auto& count : listing.counts) counts[count.what] = {count.official, count.found};
  CHECK((counts.at("NORMAL in train and val") == std::pair<std::int64_t, std::int64_t>(1349, 6)));
  CHECK(
      (counts.at("PNEUMONIA in train and val") == std::pair<std::int64_t, std::int64_t>(3883, 12)));
  CHECK((counts.at("NORMAL in test") == std::pair<std::int64_t, std::int64_t>(234, 2)));
  CHECK((counts.at("PNEUMONIA in test") == std::pair<std::int64_t, std::int64_t>(390, 4)));
}

TEST_CASE("the parts of PDCXR: the test folder as it is, the rest at the paper's shares",
          "[pdcxr]") {
  // The sums that the paper names.
  Pdcxr two(options("x"));
  const auto counts = two.paper_counts();
  std::array<std::int64_t, 3> sum{};
  for (const auto& row : counts)
    for (std::size_t part = 0; part < 3; ++part) sum[part] += row[part];
  CHECK((sum == std::array<std::int64_t, 3>{3659, 1573, 624}));
  auto three_options = options("x");
  three_options.classes = "three";
  Pdcxr three(three_options);
  const auto causes = three.paper_counts();
  CHECK(causes[1] == counts[1]);
  CHECK(causes[2] == counts[1]);

  const TemporaryFolder folder;
  make_pdcxr_tree(folder.path(), PdcxrLayout::mendeley, 10);
  for (const auto* classes : {"two", "three"}) {
    auto o = options(folder.path());
    o.classes = classes;
    const auto set = opened(o);
    CHECK(set.indices(Split::test).size() == 6);
    for (const auto i : set.indices(Split::test)) CHECK(set.at(i).stem.starts_with("test/"));
    // 0.7 of 20 normal images are 14, of whole patients with two each.
    CHECK(number_of(set, Split::train, 0) == 14);
    CHECK(number_of(set, Split::validation, 0) == 6);
    std::map<std::string, std::set<std::int64_t>> parts;
    for (const auto split : {Split::train, Split::validation, Split::test})
      for (const auto i : set.indices(split))
        parts[set.patient(i)].insert(static_cast<std::int64_t>(split));
    CHECK(parts.size() == 33);
    for (const auto& [patient, in] : parts) CHECK(in.size() == 1);
  }
}

TEST_CASE("Kaggle's layout: val belongs to train, strays and the second copy are passed over",
          "[pdcxr]") {
  const TemporaryFolder folder;
  make_pdcxr_tree(folder.path(), PdcxrLayout::kaggle, 2);
  auto o = options(folder.path());
  o.classes = "three";
  const auto set = opened(o);
  CHECK(set.image_classes() == std::vector<std::string>{"NORMAL", "BACTERIA", "VIRUS"});
  CHECK(set.size() == 12 + 2 + 6);
  // Patient 1 of the bacteria is to train, patient 1 of the viruses to test: no leak.
  std::set<std::string> patients;
  for (std::int64_t i = 0; i < set.size(); ++i) patients.insert(set.patient(i));
  CHECK(patients.count("BACTERIA 1") == 1);
  CHECK(patients.count("VIRUS 1") == 1);
  CHECK(patients.count("BACTERIA 1946") == 1);
  CHECK(patients.count("NORMAL2-IM 1427") == 1);
  for (const auto i : set.indices(Split::test)) CHECK(set.at(i).stem.starts_with("test/"));
  CHECK(Pdcxr(o).list().layout == "Kaggle, with val");

  o.split.by = "folders";
  const auto folders = opened(o);
  CHECK(folders.indices(Split::train).size() == 12);
  CHECK(folders.indices(Split::validation).size() == 2);
  CHECK(folders.indices(Split::test).size() == 6);
}

TEST_CASE("what is wrong with PDCXR is told", "[pdcxr][errors]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& words) {
    CHECK_THROWS_AS(opened(options(folder.path())), DataError);
    CHECK_THROWS_WITH(opened(options(folder.path())), Contains(words));
  };
  refused(folder.path().string() +
          ": does not look like this set; expected train and test, each "
          "with NORMAL and PNEUMONIA");
  make_pdcxr_tree(folder.path(), PdcxrLayout::kaggle, 1);
  const auto train = folder / "chest_xray/train";
  write_file(train / "NORMAL/x.jpeg", "x");
  refused((train / "NORMAL/x.jpeg").string() +
          ": no name of this set, so its patient is not known");
  std::filesystem::rename(train / "NORMAL/x.jpeg", train / "NORMAL/person9_virus_1.jpeg");
  refused("person9_virus_1.jpeg: lies in NORMAL, but its name says VIRUS; rename it");
  std::filesystem::remove(train / "NORMAL/person9_virus_1.jpeg");
  // A patient of the test folder among those to train.
  write_file(train / "PNEUMONIA/person1000_bacteria_7.jpeg", "x");
  refused("patient 'BACTERIA 1000' is in ");
  std::filesystem::remove(train / "PNEUMONIA/person1000_bacteria_7.jpeg");
  write_file(train / "PNEUMONIA/person500_bacteria_7.jpeg", "x");
  const auto set = opened(options(folder.path()));
  CHECK_THROWS_WITH(set.read(train / "PNEUMONIA/person500_bacteria_7.jpeg"),
                    Contains("person500_bacteria_7.jpeg: cannot be read as JPEG"));
  CHECK_THROWS_WITH(schema_of<Options>().parse({{"root", "x"}, {"classes", "four"}}, "dataset"),
                    Contains("'classes' must be one of \"two\", \"three\""));
}
