#include "covector/datasets/registration_pictures.h"

#include "covector/datasets/view_pictures.h"

namespace covector::datasets {

void add_registration(PictureFolder& out, const RegistrationPicture& picture, std::int64_t sample) {
  const auto number = std::to_string(sample) + "-";
  const auto name = picture.moving + "-on-" + picture.fixed;
  const auto fixed = plane(picture.fixed_image, sample);
  out.add(number + name, view_picture(plane(picture.warped, sample), fixed),
          picture.moving + ", warped onto " + picture.fixed);
  out.add(number + "dvf-" + name,
          with_arrows(view_picture(fixed), in_plane(picture.displacement, sample), label_colour(2)),
          "where " + picture.fixed + " reads " + picture.moving);
}

}  // namespace covector::datasets
