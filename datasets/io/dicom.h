#pragma once

#include "raw_image.h"

#include <array>
#include <optional>
#include <string>

namespace covector::datasets::io {

using Vector3 = std::array<double, 3>;

inline double dot(const Vector3& a, const Vector3& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
inline Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// Where one slice lies in the patient, LPS, millimetres.
struct Plane {
  Vector3 position;  // centre of the first pixel
  Vector3 along_x;   // unit vector in which the column index grows
  Vector3 along_y;   // unit vector in which the row index grows
  Vector3 normal() const { return cross(along_x, along_y); }
};

struct DicomFile {
  RawImage image;
  std::string series;
  std::optional<Plane> plane;  // of a single-frame image
};

/// Throws DataError.
DicomFile load_dicom(const std::filesystem::path& path);

/// Order of planes along their common normal, and the grid they make. Nothing when they are not
/// parallel; `problem` of an ordered stack says why it is no regular grid, naming two positions.
struct Stack {
  std::vector<std::size_t> order;
  double spacing_mm = 0;
  std::string problem;                // empty for a regular stack
  std::size_t first = 0, second = 0;  // the planes that the problem is about
};
Stack stack_of(const std::vector<Plane>& planes);
/// Origin and direction (columns x, y, z) of a regular stack.
void place_stack(const std::vector<Plane>& planes, const Stack& stack, RawImage& image);

}  // namespace covector::datasets::io
