#include "rotation.h"

namespace covector::rotation {

void Options::describe(Schema<Options>& schema) {
  schema.summary("Tells by which multiple of 90 degrees an image was turned.")
      .source(
          "S. Gidaris, P. Singh, N. Komodakis, Unsupervised Representation Learning by Predicting "
          "Image Rotations, ICLR 2018; code gidariss/FeatureLearningRotNet at edafaba. In 3D: A. "
          "Taleb et al., 3D Self-Supervised Methods for Medical Imaging, NeurIPS 2020")
      .family("GL")
      .transfers("the encoder; the classifier is dropped")
      .watch("loss", "cross-entropy; chance is ln 4 = 1.386, ln 10 = 2.303")
      .watch(
          "rotation/accuracy",
          "share of copies told right. 1 within a few hundred steps means a shortcut, as burnt-in "
          "markers, borders or an axis that the crop does not cut, or a task that is too easy")
      .watch("rotation/accuracy_class_0",
             "share of this class told right over about the last 100 steps, and so for every class")
      .departure(
          "Views. Original: random resized crops of photographs. Here plain crops, so that nothing "
          "is interpolated and no border shows.")
      .departure(
          "One mirrored axis: mirroring two of them equals a turn by 180 degrees, which would make "
          "labels undecidable.")
      .departure(
          "3D. Ten classes as Taleb et al.; their code numbers the opposite turns about two of the "
          "axes.");
  schema.field("crop", &Options::crop)
      .doc(
          "size of the view: one number for every axis, or one an axis; equal sides in every plane "
          "that is turned")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("classes", &Options::classes)
      .doc(
          "4: turns in the plane of the last two axes; 10: in 3D none and three about each axis. "
          "Without it 4 in 2D, in 3D 10 where the crop is a cube. Take 4 where voxels are longer "
          "along one axis than along the others")
      .require([](const auto& c) { return !c || *c == 4 || *c == 10; }, "one of 4, 10");
  schema.field("rotations", &Options::rotations)
      .doc(
          "all: every image is seen turned by every class, so that a step has classes x batch "
          "images; one: by one class, all equally often. Without it all in 2D, one in 3D")
      .require([](const auto& r) { return !r || *r == "all" || *r == "one"; },
               R"(one of "all", "one")");
}

}  // namespace covector::rotation
