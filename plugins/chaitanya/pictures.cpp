#include "chaitanya.h"

#include "covector/datasets/view_pictures.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::chaitanya {
namespace {

void add_views(Views& views, const std::string& stage, datasets::PictureFolder& out) {
  auto& first = views.at(stage + "_first");
  auto& second = views.at(stage + "_second");
  for (std::int64_t n = 0; n < datasets::drawn_samples(first.image()); ++n) {
    const auto name = std::to_string(n) + "-" + stage;
    const auto like = datasets::plane(first.image(), n);
    out.add(name + "-first", datasets::view_picture(like), stage + " stage, first view");
    out.add(name + "-second", datasets::view_picture(datasets::plane(second.image(), n), like),
            stage + " stage, second view");
  }
}

}  // namespace

void Chaitanya::draw(Views& views, const std::filesystem::path& folder) {
  datasets::PictureFolder out(folder);
  for (const auto* stage : {"global", "local"})
    if (views.count(stage + std::string("_first")) > 0) add_views(views, stage, out);
}

}  // namespace covector::chaitanya
