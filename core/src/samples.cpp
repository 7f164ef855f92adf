#include "covector/core/samples.h"

#include "covector/core/check.h"
#include "covector/core/error.h"
#include "stored_values.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <sstream>

namespace covector {
namespace {

constexpr std::int64_t kGrain = 1 << 15;  // voxels worth a thread

// Where a row, counted over all axes but the last, begins.
std::int64_t row_offset(const at::Tensor& image, std::int64_t row) {
  std::int64_t offset = 0;
  for (std::int64_t axis = image.dim() - 1; axis-- > 0;) {
    offset += row % image.size(axis) * image.stride(axis);
    row /= image.size(axis);
  }
  return offset;
}

template <class Stored>
void write_rows(const at::Tensor& stored, float steps, const at::Tensor& out) {
  const auto length = stored.size(-1);
  if (stored.numel() == 0) return;
  const auto* from = static_cast<const Stored*>(stored.const_data_ptr());
  auto* to = out.data_ptr<float>();
  const auto grain = std::max<std::int64_t>(1, kGrain / length);
  at::parallel_for(0, stored.numel() / length, grain, [&](std::int64_t begin, std::int64_t end) {
    for (auto row = begin; row < end; ++row)
      from_steps(from + row_offset(stored, row), to + row * length, length, steps);
  });
}

std::string text_of(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

}  // namespace

void check_alike(const std::vector<Sample>& samples) {
  const auto& first = samples.front();
  for (const auto& sample : samples) {
    const auto both = "of the images '" + first.id + "' and '" + sample.id + "' only one has a ";
    if (sample.image.sizes() != first.image.sizes())
      throw DataError(
          "images '" + first.id + "' " + text_of(first.image.sizes()) + " and '" + sample.id +
          "' " + text_of(sample.image.sizes()) +
          " differ in shape and cannot share a batch; give [dataset.prepare] a size, or use "
          "a batch of 1");
    if (sample.label.has_value() != first.label.has_value())
      throw DataError(both + "label; they cannot share a batch");
    if (sample.image_class.has_value() != first.image_class.has_value())
      throw DataError(both + "class; they cannot share a batch");
  }
}

void write_values(const at::Tensor& stored, float steps, const at::Tensor& out) {
  check_shape("values", out, stored.sizes());
  if (steps == 0) {
    out.copy_(stored);
    return;
  }
  if (out.scalar_type() != torch::kFloat || !out.is_contiguous())
    throw std::invalid_argument("values: are written to contiguous float32");
  const auto in_rows = stored.stride(-1) == 1 ? stored : stored.contiguous();
  if (stored.scalar_type() == torch::kByte)
    write_rows<std::uint8_t>(in_rows, steps, out);
  else if (stored.scalar_type() == torch::kUInt16)
    write_rows<std::uint16_t>(in_rows, steps, out);
  else
    throw std::invalid_argument("values: steps are of uint8 and uint16 images, not of " +
                                std::string(toString(stored.scalar_type())));
}

at::Tensor values_of(const at::Tensor& stored, float steps) {
  if (steps == 0) return stored;
  const auto out = torch::empty(stored.sizes(), torch::kFloat);
  write_values(stored, steps, out);
  return out;
}

}  // namespace covector
