#include "covector/datasets/picture.h"

#include "covector/core/check.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace covector::datasets {
namespace {

// M. Okabe, K. Ito, Color Universal Design, 2008, without its black.
constexpr Colour kLabelColours[] = {{230, 159, 0}, {86, 180, 233}, {0, 158, 115},  {240, 228, 66},
                                    {0, 114, 178}, {213, 94, 0},   {204, 121, 167}};
constexpr std::int64_t kLabelColourCount = std::size(kLabelColours);

constexpr Colour kHeat[] = {
    {0, 0, 4}, {87, 16, 110}, {188, 55, 84}, {249, 142, 9}, {252, 255, 164}};
constexpr std::int64_t kHeatSteps = std::size(kHeat) - 1;

at::Tensor to_bytes(const at::Tensor& zero_to_one) {
  return (zero_to_one.clamp(0, 1) * 255).round().to(torch::kUInt8);
}

at::Tensor to_cpu(const char* name, const at::Tensor& values) {
  const auto v = values.detach().to(torch::kCPU, torch::kFloat64);
  if (!v.isfinite().all().item<bool>())
    throw std::invalid_argument(std::string(name) + ": holds values that are not finite");
  return v;
}

at::Tensor scaled(const at::Tensor& v, double low, double high) {
  return high > low ? (v - low) / (high - low) : torch::zeros_like(v);
}

void check_picture(const at::Tensor& picture) {
  check_shape("picture", picture, {3, kAny, kAny});
  if (picture.scalar_type() != torch::kUInt8 || !picture.is_cpu())
    throw std::invalid_argument("picture: expected uint8 on the CPU");
}

at::Tensor column(const Colour& colour) {
  return torch::tensor({colour[0], colour[1], colour[2]}, torch::kUInt8).view({3, 1, 1});
}

// True where the pixel before or after, along either axis, has another label.
at::Tensor outline(const at::Tensor& label) {
  auto edge = torch::zeros_like(label, torch::kBool);
  for (const std::int64_t axis : {1, 2}) {
    const auto n = label.size(axis);
    const auto change = label.narrow(axis, 1, n - 1).ne(label.narrow(axis, 0, n - 1));
    edge.narrow(axis, 1, n - 1).logical_or_(change);
    edge.narrow(axis, 0, n - 1).logical_or_(change);
  }
  return edge;
}

// Sets pixels of a picture by position, in place.
class Pen {
 public:
  Pen(at::Tensor& picture, Colour colour)
      : pixels_(picture.accessor<std::uint8_t, 3>()), colour_(colour) {}

  void line(double row, double column, double row_end, double column_end) {
    const auto longer = std::max(std::abs(row_end - row), std::abs(column_end - column));
    const auto steps = std::max<std::int64_t>(1, std::llround(longer));
    for (std::int64_t i = 0; i <= steps; ++i) {
      const auto t = static_cast<double>(i) / static_cast<double>(steps);
      dot(row + t * (row_end - row), column + t * (column_end - column));
    }
  }
  // A line with two strokes that go back from its end, 150 degrees to either side.
  void arrow(double row, double column, double d_row, double d_column) {
    constexpr double kCos = -0.8660254037844387;
    constexpr double kSin = 0.5;
    const auto row_end = row + d_row;
    const auto column_end = column + d_column;
    line(row, column, row_end, column_end);
    const auto length = std::hypot(d_row, d_column);
    if (length < 0.5) return;
    const auto head = std::min(0.35 * length, 5.0) / length;
    for (const double side : {-kSin, kSin})
      line(row_end, column_end, row_end + head * (kCos * d_row + side * d_column),
           column_end + head * (kCos * d_column - side * d_row));
  }

 private:
  void dot(double row, double column) {
    const auto r = std::llround(row);
    const auto c = std::llround(column);
    if (r < 0 || r >= pixels_.size(1) || c < 0 || c >= pixels_.size(2)) return;
    for (int channel = 0; channel < 3; ++channel) pixels_[channel][r][c] = colour_[channel];
  }

  at::TensorAccessor<std::uint8_t, 3> pixels_;
  Colour colour_;
};

}  // namespace

at::Tensor middle_slice(const at::Tensor& image) {
  if (image.dim() == 3) return image;
  check_shape("image", image, {kAny, kAny, kAny, kAny});
  return image.select(1, image.size(1) / 2);
}

at::Tensor grey_picture(const at::Tensor& image, double low, double high) {
  check_shape("image", image, {image.dim() == 3 && image.size(0) == 3 ? 3 : 1, kAny, kAny});
  return to_bytes(scaled(to_cpu("image", image), low, high)).expand({3, -1, -1}).contiguous();
}

at::Tensor grey_picture(const at::Tensor& image) {
  const auto values = to_cpu("image", image);
  return grey_picture(values, values.min().item<double>(), values.max().item<double>());
}

at::Tensor heat_picture(const at::Tensor& values, double low, double high) {
  check_shape("values", values, {1, kAny, kAny});
  const auto position = scaled(to_cpu("values", values), low, high).clamp(0, 1)[0] * kHeatSteps;
  const auto step = position.floor().clamp_max(kHeatSteps - 1).to(torch::kInt64);
  auto channels = std::vector<at::Tensor>();
  for (int channel = 0; channel < 3; ++channel) {
    std::vector<double> anchors;
    for (const auto& colour : kHeat) anchors.push_back(colour[channel] / 255.0);
    const auto table = torch::tensor(anchors, torch::kFloat64);
    const auto take = [&](const at::Tensor& index) {
      return table.index_select(0, index.flatten()).view(index.sizes());
    };
    channels.push_back(torch::lerp(take(step), take(step + 1), position - step));
  }
  return to_bytes(torch::stack(channels));
}

at::Tensor displacement_picture(const at::Tensor& displacement, double longest) {
  check_shape("displacement", displacement, {2, kAny, kAny});
  const auto field = to_cpu("displacement", displacement);
  const auto hue = torch::atan2(field[0], field[1]) * (3 / M_PI);  // -3 .. 3, sixths of a turn
  const auto saturation = scaled(field.square().sum(0).sqrt(), 0, longest).clamp(0, 1);
  auto channels = std::vector<at::Tensor>();
  for (const double peak : {0.0, 2.0, 4.0}) {  // red, green, blue
    const auto away = (hue - peak + 9).remainder(6) - 3;
    const auto pure = (2 - away.abs()).clamp(0, 1);
    channels.push_back(1 - saturation * (1 - pure));
  }
  return to_bytes(torch::stack(channels));
}

Colour label_colour(std::int64_t label) {
  if (label < 1) throw std::invalid_argument("label: only labels from 1 on have a colour");
  auto colour = kLabelColours[(label - 1) % kLabelColourCount];
  const bool lighter = (label - 1) / kLabelColourCount % 2 == 1;
  for (auto& channel : colour)
    if (lighter) channel = static_cast<std::uint8_t>((channel + 255) / 2);
  return colour;
}

at::Tensor overlay_labels(const at::Tensor& picture, const at::Tensor& label, double opacity) {
  check_picture(picture);
  check_shape("label", label, {1, picture.size(1), picture.size(2)});
  const auto labels = label.detach().to(torch::kCPU, torch::kInt64);
  const auto edge = outline(labels);
  auto out = picture.to(torch::kFloat64);
  for (std::int64_t k = 1; k <= labels.max().item<std::int64_t>(); ++k) {
    const auto here = labels.eq(k);
    const auto strength =
        here.to(torch::kFloat64) * torch::where(edge, torch::ones({}, torch::kFloat64),
                                                torch::full({}, opacity, torch::kFloat64));
    out = out + strength * (column(label_colour(k)).to(torch::kFloat64) - out);
  }
  return out.round().to(torch::kUInt8);
}

at::Tensor overlay_arrows(const at::Tensor& picture, const at::Tensor& displacement,
                          std::int64_t spacing, Colour colour) {
  check_picture(picture);
  check_shape("displacement", displacement, {2, kAny, kAny});
  if (spacing < 1) throw std::invalid_argument("spacing: must be at least 1");
  const auto factor = std::max<std::int64_t>(1, picture.size(1) / displacement.size(1));
  check_shape("picture", picture,
              {3, factor * displacement.size(1), factor * displacement.size(2)});
  auto out = picture.clone(at::MemoryFormat::Contiguous);
  const auto field = to_cpu("displacement", displacement);
  const auto u = field.accessor<double, 3>();
  Pen pen(out, colour);
  const auto scale = static_cast<double>(factor);
  const auto centre = (scale - 1) / 2;  // of the factor x factor pixels that show one voxel
  for (std::int64_t row = spacing / 2; row < field.size(1); row += spacing)
    for (std::int64_t col = spacing / 2; col < field.size(2); col += spacing)
      pen.arrow(scale * static_cast<double>(row) + centre,
                scale * static_cast<double>(col) + centre, scale * u[0][row][col],
                scale * u[1][row][col]);
  return out;
}

at::Tensor enlarge(const at::Tensor& picture, std::int64_t factor) {
  check_picture(picture);
  if (factor < 1) throw std::invalid_argument("factor: must be at least 1");
  return picture.repeat_interleave(factor, 1).repeat_interleave(factor, 2);
}

at::Tensor side_by_side(const std::vector<at::Tensor>& pictures, std::int64_t gap) {
  if (pictures.empty()) throw std::invalid_argument("pictures: none given");
  if (gap < 0) throw std::invalid_argument("gap: must be at least 0");
  std::int64_t height = 0;
  std::int64_t width = -gap;
  for (const auto& picture : pictures) {
    check_picture(picture);
    height = std::max(height, picture.size(1));
    width += picture.size(2) + gap;
  }
  auto out = torch::full({3, height, width}, 255, torch::kUInt8);
  std::int64_t left = 0;
  for (const auto& picture : pictures) {
    out.narrow(1, 0, picture.size(1)).narrow(2, left, picture.size(2)).copy_(picture);
    left += picture.size(2) + gap;
  }
  return out;
}

}  // namespace covector::datasets
