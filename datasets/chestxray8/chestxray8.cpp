#include "chestxray8.h"

namespace covector::chestxray8 {

namespace fs = std::filesystem;

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "ChestX-ray8: 112,120 chest radiographs of 30,805 patients, to pretrain on; the findings "
          "are not read. root holds, here or up to two folders below, the images of NIH's twelve "
          "archives (images, or images_01 to images_12 where each was unpacked apart) or of Kaggle "
          "(images_001 to images_012), with Data_Entry_2017.csv or Data_Entry_2017_v2020.csv "
          "beside them; or AP_F, AP_M, PA_F and PA_M, as the code of GEMINI wants them. The table "
          "is needed to tell views; without it the patients are known by the names of files. All "
          "images are in the training part; train_val_list.txt and test_list.txt are read with "
          "split.by = \"lists\". prepare.size is [512, 512].")
      .source(
          "X. Wang et al., ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks, CVPR "
          "2017; NIH Clinical Center, on Box");
  datasets::describe_root(schema);
  schema.field("view", &Options::view)
      .doc("images to use: \"all\", or those from front to back, \"AP\", or back to front, \"PA\"")
      .one_of({"all", "AP", "PA"});
  datasets::describe_files(schema);
}

Chestxray8::Chestxray8(const Options& options)
    : FileDataset(options, schema_of<Options>().dump(options)),
      view_(options.view == "all" ? "" : options.view) {}

datasets::Listing Chestxray8::list() {
  const auto places = find_places(files().root);
  table_ = places.table;
  return list_images(places, view_);
}

datasets::Image Chestxray8::load_image(const fs::path& file) const {
  return datasets::as_dimensions(datasets::read_image(file), 2, file);
}

datasets::Stored Chestxray8::load(const datasets::Case& item) const {
  return {load_image(item.image)};
}

std::vector<fs::path> Chestxray8::tables() const {
  return table_.empty() ? std::vector<fs::path>{} : std::vector<fs::path>{table_};
}

}  // namespace covector::chestxray8
