#include "gemini.h"

#include "covector/datasets/registration_pictures.h"
#include "covector/datasets/view_pictures.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::gemini {

void Gemini::draw(Views& views, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  const auto& a = views.at("a").image();
  const auto& b = views.at("b").image();
  const auto& damaged = views.at("damaged").image();
  const auto registration = register_pair(a, b);
  const auto restored = restore(damaged);

  datasets::PictureFolder out(folder);
  for (std::int64_t n = 0; n < datasets::drawn_samples(a); ++n) {
    const auto number = std::to_string(n) + "-";
    const auto like = datasets::plane(a, n);
    const auto add = [&](const std::string& name, const at::Tensor& image,
                         const std::string& title) {
      out.add(number + name, datasets::view_picture(datasets::plane(image, n), like), title);
    };
    add("a", a, "A");
    add("b", b, "B");
    datasets::add_registration(out, {"b", "a", a, registration.ba.image, registration.ba.flow}, n);
    datasets::add_registration(out, {"a", "b", b, registration.ab.image, registration.ab.flow}, n);
    add("damaged", damaged, "A, damaged");
    add("restored", restored, "A, restored from its damaged image");
  }
}

}  // namespace covector::gemini
