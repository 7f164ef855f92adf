#include "covector/datasets/picture_folder.h"

#include "covector/core/error.h"
#include "covector/datasets/image.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <system_error>

namespace covector::datasets {

PictureFolder::PictureFolder(std::filesystem::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw DataError(folder_.string() + ": cannot make the folder: " + error.message());
}

void PictureFolder::add(const std::string& name, const at::Tensor& picture,
                        const std::string& title) {
  write_png(picture, folder_ / (name + ".png"));
  listed_.emplace_back(name + ".png", title);
  write_table();
}

void PictureFolder::write_table() const {
  auto table = nlohmann::json::array();
  for (const auto& [file, title] : listed_) table.push_back({{"file", file}, {"title", title}});
  const auto path = folder_ / "pictures.json";
  std::ofstream out(path);
  out << table.dump(2) << '\n';
  out.close();
  if (!out) throw DataError(path.string() + ": cannot be written");
}

}  // namespace covector::datasets
