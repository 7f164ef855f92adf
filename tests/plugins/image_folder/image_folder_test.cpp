#include "support/catch.h"

#include "datasets/files.h"

#include "image_folder.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <algorithm>
#include <set>
#include <thread>

using namespace covector;
using namespace covector::image_folder;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

using Names = std::vector<std::string>;

void gray(const std::filesystem::path& path, int value, std::int64_t height = 2,
          std::int64_t width = 3) {
  std::filesystem::create_directories(path.parent_path());
  datasets::write_png(torch::full({1, height, width}, value, torch::kUInt8), path);
}

Options options(const TemporaryFolder& folder) {
  Options o;
  o.root = folder.path().string();
  o.split.fractions = {1, 0, 0};
  return o;
}

ImageFolder opened(const Options& o) {
  ImageFolder set(o);
  set.open();
  return set;
}

Names ids(const ImageFolder& set) {
  Names out;
  for (std::int64_t i = 0; i < set.size(); ++i) out.push_back(set.id(i));
  return out;
}

Names ids(const ImageFolder& set, Split split) {
  Names out;
  for (const auto i : set.indices(split)) out.push_back(set.id(i));
  return out;
}

void refuse(const Options& o, const std::string& words) {
  ImageFolder set(o);
  CHECK_THROWS_AS(set.open(), DataError);
  ImageFolder again(o);
  CHECK_THROWS_WITH(again.open(), Contains(words));
}

}  // namespace

TEST_CASE("pictures at any depth, numbered as numbers, strays passed over", "[image_folder]") {
  const TemporaryFolder folder;
  gray(folder / "10.png", 51);
  gray(folder / "2.png", 0);
  gray(folder / "sub/1.png", 255);
  write_file(folder / "notes.txt", "no image");
  write_file(folder / ".hidden.png", "no image either");
  const auto set = opened(options(folder));
  CHECK(ids(set) == Names{"2", "10", "sub_1"});
  const auto sample = set.get(1);
  CHECK(sample.image.sizes() == std::vector<std::int64_t>{1, 2, 3});
  CHECK(sample.image[0][0][0].item<float>() == 0.2F);
  CHECK_FALSE(sample.label);
  CHECK(set.classes().empty());
  CHECK(set.input().channels == 1);
  CHECK(set.skipped().empty());
}

TEST_CASE("masks are found by name, whatever their format", "[image_folder]") {
  const TemporaryFolder folder;
  gray(folder / "images/a.png", 1);
  gray(folder / "images/p/b_0000.png", 2);
  gray(folder / "masks/p/b.png", 255);
  const auto mask = torch::tensor({{0, 255, 0}, {255, 0, 0}}, torch::kUInt8).unsqueeze(0);
  datasets::write_image({mask.unsqueeze(1), {}, {}}, folder / "masks/a.nii.gz");
  auto o = options(folder);
  o.images = "images";
  o.masks = "masks";
  o.labels.groups = {{"vessel", {255}, {}}};
  CHECK(ImageFolder(o).classes() == Names{"background", "vessel"});  // known before open()
  const auto set = opened(o);
  CHECK(set.classes() == Names{"background", "vessel"});
  REQUIRE(set.get(0).label);
  CHECK(torch::equal(*set.get(0).label, (mask > 0).to(torch::kInt64)));
  CHECK(set.get(1).label->sum().item<std::int64_t>() == 6);
}

TEST_CASE("volumes, and folders of DICOM slices", "[image_folder]") {
  const TemporaryFolder folder;
  NiftiBytes nifti;
  nifti.size = {2, 3, 4};
  nifti.voxels.assign(24, 3);
  write_file(folder / "a.nii", nifti.file());
  for (int z = 0; z < 3; ++z) {
    DicomBytes dicom;
    dicom.position = "0\\0\\" + std::to_string(2 * z);
    dicom.orientation = "1\\0\\0\\0\\1\\0";
    dicom.spacing = "1\\1";
    dicom.pixels = raw(std::vector<std::uint16_t>(6, static_cast<std::uint16_t>(z)));
    write_file(folder / ("scan/1.2.3/" + std::to_string(z) + ".dcm"), dicom.file());
  }
  auto o = options(folder);
  o.dimensions = 3;
  o.prepare.intensity = "none";
  const auto set = opened(o);
  CHECK(ids(set) == Names{"a", "scan_1.2.3"});
  CHECK(set.get(0).image.sizes() == std::vector<std::int64_t>{1, 4, 3, 2});
  const auto series = set.get(1);
  CHECK(series.image.sizes() == std::vector<std::int64_t>{1, 3, 2, 3});
  CHECK(series.image[0][2][0][0].item<float>() == 2);
  CHECK(series.geometry.spacing_mm == std::vector<double>{2, 1, 1});

  o.dimensions = 2;
  write_file(folder / "scan/1.2.3/0.dcm", "");
  const auto flat = opened(o);
  CHECK_THROWS_WITH(flat.get(0), Contains("a.nii: is 3D (4 slices), but dimensions = 2"));
}

TEST_CASE("splits by folders, file, lists and fractions", "[image_folder]") {
  const TemporaryFolder folder;
  for (const auto* split : {"train", "val", "test"})
    for (int i = 1; i <= 2; ++i) {
      gray(folder / ("flat/" + std::string(split) + "/images/" + std::to_string(i) + ".png"), i);
      gray(folder / ("deep/images/" + std::string(split) + "/" + std::to_string(i) + ".png"), i);
    }
  auto o = options(folder);
  o.split.by = "folders";
  o.images = "images";
  for (const auto* layout : {"flat", "deep"}) {
    o.root = (folder / layout).string();
    const auto set = opened(o);
    CHECK(ids(set, Split::train) == Names{"train_1", "train_2"});
    CHECK(ids(set, Split::validation) == Names{"validation_1", "validation_2"});
    CHECK(ids(set, Split::test) == Names{"test_1", "test_2"});
  }
  o = options(folder);
  o.root = (folder / "flat/train/images").string();
  write_file(folder / "flat/train/images/s.csv", "id,split\n2,train\n1,test\n");
  o.split.by = "file";
  o.split.file = "s.csv";
  CHECK(ids(opened(o), Split::train) == Names{"2"});
  CHECK(ids(opened(o), Split::test) == Names{"1"});
  write_file(folder / "flat/train/images/t.txt", "1.png\n");
  o.split.by = "lists";
  o.split.train = "t.txt";
  CHECK(ids(opened(o), Split::train) == Names{"1"});
  CHECK(opened(o).indices(Split::test).empty());
  o.split = {};
  o.split.fractions = {0.5, 0, 0.5};
  const auto drawn = opened(o);
  CHECK(drawn.indices(Split::train).size() == 1);
  CHECK(drawn.indices(Split::test).size() == 1);
}

TEST_CASE("patients from names or a table stay in one split", "[image_folder]") {
  const TemporaryFolder folder;
  std::string table = "id,patient\n";
  for (int patient = 0; patient < 6; ++patient)
    for (int visit = 0; visit < 3; ++visit) {
      const auto name = "p" + std::to_string(patient) + "_" + std::to_string(visit);
      gray(folder / ("images/" + name + ".png"), patient);
      table += name + ".png,subject " + std::to_string(patient) + "\n";
    }
  write_file(folder / "patients.csv", table);
  auto o = options(folder);
  o.images = "images";
  o.split.fractions = {0.5, 0.2, 0.3};
  const auto together = [](const ImageFolder& set) {
    std::map<std::string, int> splits;
    for (const auto split : {Split::train, Split::validation, Split::test}) {
      std::set<std::string> patients;
      for (const auto i : set.indices(split)) patients.insert(set.patient(i));
      for (const auto& patient : patients) ++splits[patient];
    }
    return splits.size() == 6 && std::all_of(splits.begin(), splits.end(),
                                             [](const auto& item) { return item.second == 1; });
  };
  o.patient_pattern = "^(p\\d+)_";
  CHECK(together(opened(o)));
  CHECK(opened(o).patient(0) == "p0");
  o.patient_pattern = "";
  o.patient_table = "patients.csv";
  CHECK(together(opened(o)));
  CHECK(opened(o).get(17).patient == "subject 5");
  write_file(folder / "patients.csv", "id,patient\np0_0,a\n");
  refuse(o, "patients.csv: has no row for " + (folder / "images/p0_1.png").string());
  o.patient_table = "";
  o.patient_pattern = "^x";
  refuse(o, "p0_0.png: patient_pattern '^x' does not match 'p0_0'");
}

TEST_CASE("a file that cannot be used stops, or is left out and told", "[image_folder]") {
  const TemporaryFolder folder;
  gray(folder / "images/a.png", 1);
  gray(folder / "images/b.png", 1);
  gray(folder / "images/c.png", 1);
  gray(folder / "images/d.png", 1);
  write_file(folder / "images/b.png", read_file(folder / "images/b.png").substr(0, 50));
  gray(folder / "masks/a.png", 1);
  gray(folder / "masks/b.png", 1);
  gray(folder / "masks/c.png", 7);
  auto o = options(folder);
  o.images = "images";
  o.masks = "masks";
  o.labels.groups = {{"organ", {1}, {}}};
  refuse(o, "d.png: has no mask d.* in " + (folder / "masks").string());
  gray(folder / "masks/d.png", 1, 5, 5);
  const auto set = opened(o);
  CHECK(set.size() == 4);
  CHECK_THROWS_WITH(set.get(1), Contains("b.png: cannot be read as PNG"));
  CHECK_THROWS_WITH(set.get(2), Contains("c.png: label value 7 is not among those listed (0, 1)"));
  CHECK_THROWS_WITH(set.get(3), Contains("d.png: mask is 5x5, but its image " +
                                         (folder / "images/d.png").string() + " is 2x3"));
  o.on_error = "skip";
  std::filesystem::remove(folder / "masks/d.png");
  const auto skipping = opened(o);
  CHECK(ids(skipping) == Names{"a"});
  REQUIRE(skipping.skipped().size() == 3);
  CHECK_THAT(skipping.skipped()[0], Contains("d.png: has no mask"));
  CHECK_THAT(skipping.skipped()[1], Contains("b.png: cannot be read"));
  CHECK_THAT(skipping.skipped()[2], Contains("c.png: label value 7"));
}

TEST_CASE("folders that cannot be used are refused", "[image_folder][errors]") {
  const TemporaryFolder folder;
  auto o = options(folder);
  refuse(o, folder.path().string() + ": holds no image that can be used");
  o.root = (folder / "none").string();
  refuse(o, "none: is no folder; check root, images and masks");
  o.root = "none";
  refuse(o, "none: is no folder (looked for in ");
  o = options(folder);
  gray(folder / "a.png", 1);
  write_file(folder / "a.jpg", "x");
  refuse(o, "has the same id 'a' as");
  std::filesystem::remove(folder / "a.jpg");
  o.split.fractions = {0.5, 0.5, 0};
  refuse(o, "split is empty: 1 images are too few for its share");
  o.split.by = "folders";
  refuse(o, "the train split is empty; look at split (by = \"folders\")");
  gray(folder / "images/train/a.png", 1);
  o.images = "images";
  o.masks = "masks";
  o.labels.groups = {{"organ", {1}, {}}};
  refuse(o, "has images but no masks for train; expected " + (folder / "train/masks").string() +
                " or " + (folder / "masks/train").string());
}

TEST_CASE("classes by folder, at any depth, split in the same shares", "[image_folder]") {
  const TemporaryFolder folder;
  for (int i = 0; i < 10; ++i) {
    gray(folder / ("chest_xray/NORMAL/a" + std::to_string(i) + ".png"), i);
    gray(folder / ("chest_xray/PNEUMONIA/virus/b" + std::to_string(i) + ".png"), i);
  }
  auto o = options(folder);
  o.classes.names = {"PNEUMONIA", "NORMAL"};  // the order is the user's
  o.split.fractions = {0.5, 0.2, 0.3};
  CHECK(ImageFolder(o).image_classes() == o.classes.names);
  CHECK(ImageFolder(o).knows_classes());
  const auto set = opened(o);
  CHECK(set.classes().empty());
  CHECK(set.get(0).image_class == 1);
  CHECK(set.get(19).image_class == 0);
  CHECK_FALSE(set.read(folder / "chest_xray/NORMAL/a0.png").image_class);
  const auto of_class = [&](Split split, std::int64_t number) {
    const auto all = set.indices(split);
    return std::count_if(all.begin(), all.end(),
                         [&](auto i) { return set.image_class(i) == number; });
  };
  for (const std::int64_t number : {0, 1}) {
    CHECK(of_class(Split::train, number) == 5);
    CHECK(of_class(Split::validation, number) == 2);
    CHECK(of_class(Split::test, number) == 3);
  }
  // Another class, another set.
  auto renamed = o;
  renamed.classes.names = {"NORMAL", "PNEUMONIA"};
  CHECK(opened(renamed).fingerprint() != set.fingerprint());
}

TEST_CASE("classes and patients from a table with columns of any name", "[image_folder]") {
  const TemporaryFolder folder;
  gray(folder / "train/images/1.png", 1);
  gray(folder / "train/images/2.png", 2);
  gray(folder / "val/images/1.png", 3);
  gray(folder / "test/images/c.png", 4);
  // By path below root, and by name where that is clear.
  write_file(folder / "list.csv",
             "split,file,class,person\n"
             "x,train/images/1.png,sick,p1\n"
             "x,train/images/2,well,p2\n"
             "x,val/images/1.png,well,p3\n"
             "x,c.png,sick,\"p,4\"\n");
  auto o = options(folder);
  o.images = "images";
  o.split.by = "folders";
  o.classes = {{"well", "sick"}, "table", "list.csv", "file", "class", "person"};
  const auto set = opened(o);
  CHECK(ids(set) == Names{"train_1", "train_2", "validation_1", "test_c"});
  std::vector<std::int64_t> classes;
  Names patients;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    classes.push_back(set.image_class(i).value());
    CHECK(set.get(i).image_class == classes.back());
    patients.push_back(set.patient(i));
  }
  CHECK(classes == std::vector<std::int64_t>{1, 0, 0, 1});
  CHECK(patients == Names{"p1", "p2", "p3", "p,4"});
  const auto before = set.fingerprint();
  write_file(folder / "list.csv",
             "file,class,person\ntrain/images/1,well,p\ntrain/images/2,sick,p\nval/images/1,"
             "well,p\nc,sick,p\n");
  refuse(o,
         "patient 'p' is in train (train/1) and in validation (validation/1), so results would be "
         "too good; mend the split, or say split.patients = \"shared\"");
  o.split.patients = "shared";
  CHECK(opened(o).fingerprint() != before);
}

TEST_CASE("what is wrong with the classes of images is told with its place",
          "[image_folder][errors]") {
  const TemporaryFolder folder;
  for (const auto* name : {"a/1.png", "b/1.png", "b/2.png"}) gray(folder / name, 0);
  const auto list = folder / "list.csv";
  auto o = options(folder);
  o.classes = {{"well", "sick"}, "table", "list.csv", "file", "label", ""};
  const auto table = [&](const std::string& rows, const std::string& words) {
    write_file(list, "file,label\n" + rows);
    refuse(o, words);
  };
  const std::string all = "a/1.png,well\nb/1.png,sick\n";
  table(all + "b/2.png,sikc\n",
        list.string() +
            ":4: label 'sikc' is no class (well, sick); did you mean 'sick'?; correct "
            "it, or complete classes.names");
  table(all + "b/2.png,\n", list.string() + ":4: label '' is no class (well, sick)");
  table(all + "b/3.png,sick\n", list.string() + ":4: 'b/3.png' names no image of the set");
  table("1.png,sick\n" + all, list.string() +
                                  ":2: '1.png' fits a/1 and b/1; write more of the "
                                  "path");
  table(all + "a/1,sick\n",
        list.string() + ":4: 'a/1' has a row already, " + list.string() + ":2; keep one of them");
  table(all, list.string() + ": has no row for " + (folder / "b/2.png").string() +
                 "; every image needs a class");
  write_file(list, "name,label\n");
  refuse(o, list.string() + ":1: has no column 'file'");
  o.classes.patient_column = "person";
  write_file(list, "file,label,person\na/1,well,p1\nb/1,sick,\n");
  refuse(o, list.string() + ":3: has no person; every image needs a patient");
  o.classes.table = "none.csv";
  refuse(o, (folder / "none.csv").string() + ": cannot be opened; check the path");

  // Images without a class are left out where the user says so.
  o.classes = {{"well", "sick"}, "table", "list.csv", "file", "label", ""};
  o.on_error = "skip";
  write_file(list, "file,label\n" + all);
  const auto set = opened(o);
  CHECK(ids(set) == Names{"a_1", "b_1"});
  CHECK_THAT(set.skipped().at(0), Contains("has no row for " + (folder / "b/2.png").string()));

  o = options(folder);
  o.classes.names = {"a", "c"};
  refuse(o, (folder / "b/1.png").string() +
                ": lies below no folder that is named as a class "
                "(a, c)");
  gray(folder / "b/a/1.png", 0);
  o.classes.names = {"a", "b"};
  refuse(o, (folder / "b/a/1.png").string() + ": lies below folders of two classes, b and a");
  std::filesystem::remove_all(folder / "b/a");
  o.classes.names = {"a", "b", "c"};
  refuse(o, folder.path().string() +
                ": the train split has no image of class 'c'; look at classes.names and split");
}

TEST_CASE("options of image_folder that make no sense are refused", "[image_folder][errors]") {
  const auto problem = [](const OptionTable& table, const std::string& words) {
    CHECK_THROWS_WITH(schema_of<Options>().parse(table, "dataset"), Contains(words));
  };
  problem({}, "needs root = \"...\", the folder of the set");
  problem({{"root", "x"}, {"masks", "m"}}, "masks need labels.table or labels.groups");
  problem({{"root", "x"}, {"patient_pattern", "("}}, "patient_pattern is no regular expression");
  problem({{"root", "x"}, {"patient_pattern", "a"}, {"patient_table", "b"}},
          "give one of patient_pattern, patient_table and classes.patient_column");
  problem({{"root", "x"}, {"dimensions", 4}}, "'dimensions' must be between 2 and 3");
  problem({{"root", "x"}, {"on_error", "ignore"}}, "'on_error' must be one of");
  const auto split = [&](const OptionTable& table, const std::string& words) {
    problem({{"root", "x"}, {"split", table}}, words);
  };
  const auto classes = [&](const OptionTable& table, const std::string& words) {
    problem({{"root", "x"}, {"classes", table}}, words);
  };
  const OptionArray two{"a", "b"};
  classes({{"names", OptionArray{"a"}}}, "'names' must be two names or more, all different");
  classes({{"names", OptionArray{"a", "a"}}}, "'names' must be two names or more, all different");
  classes({{"names", OptionArray{"a", ""}}}, "'names' must be two names or more, all different");
  classes({{"names", two}, {"by", "name"}}, "'by' must be one of \"folders\", \"table\"");
  classes({{"names", two}, {"by", "table"}}, "by = \"table\" needs table = \"...\"");
  classes({{"by", "table"}, {"table", "t.csv"}}, "needs names = [\"...\", \"...\"]");
  classes({{"names", two}, {"table", "t.csv"}},
          "table and patient_column belong to by = \"table\"");
  split({{"by", "file"}}, "by = \"file\" needs file");
  split({{"by", "lists"}}, "by = \"lists\" needs train");
  split({{"fractions", OptionArray{0.9, 0.2, 0}}}, "'fractions' must be three numbers");
  const auto group = [&](const OptionTable& table, const std::string& words) {
    problem({{"root", "x"}, {"labels", OptionTable{{"groups", OptionArray{table}}}}}, words);
  };
  group({{"values", OptionArray{1}}}, "a group needs a name");
  group({{"name", "lung"}}, "group 'lung' needs values or structures");
  group({{"name", "lung"}, {"structures", OptionArray{"lobe"}}},
        "group 'lung' names structures, so table = \"...\" is needed");
}

TEST_CASE("any number of threads reads the same images", "[image_folder]") {
  const TemporaryFolder folder;
  torch::manual_seed(1);
  for (int i = 0; i < 6; ++i)
    datasets::write_image({torch::randint(0, 255, {1, 20, 30}, torch::kUInt8), {}, {}},
                          folder / (std::to_string(i) + ".png"));
  auto o = options(folder);
  o.prepare.size = {8, 8};
  const auto set = opened(o);
  std::vector<at::Tensor> expected;
  for (std::int64_t i = 0; i < set.size(); ++i) expected.push_back(set.get(i).image);
  for (const int threads : {1, 2, 4}) {
    std::vector<int> same(static_cast<std::size_t>(threads));
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t)
      pool.emplace_back([&, t] {
        for (std::size_t i = 0; i < expected.size(); ++i)
          same[static_cast<std::size_t>(t)] +=
              torch::equal(set.get(static_cast<std::int64_t>(i)).image, expected[i]);
      });
    for (auto& thread : pool) thread.join();
    CHECK(same == std::vector<int>(static_cast<std::size_t>(threads), 6));
  }
}

TEST_CASE("the fingerprint of a folder follows files, split and preparation", "[image_folder]") {
  const TemporaryFolder folder;
  gray(folder / "a.png", 1);
  gray(folder / "b.png", 2);
  auto o = options(folder);
  const auto first = opened(o).fingerprint();
  CHECK(first.size() == 32);
  CHECK(opened(o).fingerprint() == first);
  o.prepare.size = {4, 4};
  CHECK(opened(o).fingerprint() != first);
  o = options(folder);
  gray(folder / "b.png", 3);
  CHECK(opened(o).fingerprint() != first);
}

TEST_CASE("image_folder reads the real slices with their masks", "[image_folder][real]") {
  const auto data = shared_images();
  if (!data) {
    WARN("skipped: set COVECTOR_SHARED to the folder with the real images");
    return;
  }
  Options o;
  o.root = (*data / "ct-organs-2d").string();
  o.images = "images";
  o.masks = "masks";
  o.split.by = "folders";
  o.split.patients = "shared";  // two people, each in both parts
  o.patient_pattern = "(ct[AB])_";
  for (const auto& [value, name] : std::map<std::int64_t, std::string>{{1, "spleen"},
                                                                       {2, "kidney"},
                                                                       {3, "kidney"},
                                                                       {4, "liver"},
                                                                       {5, "stomach"},
                                                                       {6, "lung"},
                                                                       {7, "heart"},
                                                                       {8, "aorta"},
                                                                       {9, "vertebra"}})
    o.labels.groups.push_back({name, {value}, {}});
  o.prepare.size = {128, 128};
  const auto set = opened(o);
  CHECK(set.indices(Split::train).size() == 145);
  CHECK(set.indices(Split::test).size() == 70);
  CHECK(set.classes().size() == 9);  // the kidneys are one class
  const auto sample = set.get(40);
  CHECK(sample.image.sizes() == std::vector<std::int64_t>{1, 128, 128});
  CHECK(sample.image.max().item<double>() <= 1 + 1e-6);  // weights that sum to 1 in float32
  CHECK(sample.label->max().item<std::int64_t>() > 0);
}
