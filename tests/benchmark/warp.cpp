// Times reading a map at displaced positions beside LibTorch's grid_sample, forward and backward,
// the two taking turns, and checks both against grid_sample in float64. See README.md.
#include "ops/warp.h"
#include "covector/core/spatial_map.h"

#include "rivals.h"

#include <iostream>
#include <sstream>

using namespace covector;
using namespace covector::benchmark;

namespace {

const ops::Reading kReading{true, Interpolation::linear, GridConvention::paper};

// Maps of the default U-Net's finest and a coarse scale at 4 x 192^2, its finest in 3D, and a
// field.
const std::vector<std::int64_t> kShapes[] = {
    {4, 32, 192, 192}, {4, 128, 48, 48}, {1, 32, 64, 64, 64}, {1, 3, 64, 64, 64}};

struct Case {
  at::Tensor image, field, grad;

  Case(const std::vector<std::int64_t>& shape, at::ScalarType dtype, bool channels_last) {
    const auto layout = !channels_last      ? at::MemoryFormat::Contiguous
                        : shape.size() == 4 ? at::MemoryFormat::ChannelsLast
                                            : at::MemoryFormat::ChannelsLast3d;
    auto of_field = shape;
    of_field[1] = static_cast<std::int64_t>(shape.size()) - 2;
    image = torch::randn(shape).to(dtype).contiguous(layout).set_requires_grad(true);
    grad = torch::randn(shape).to(dtype).contiguous(layout);
    // In eighths and a half, off the kinks of the interpolation.
    field = ((torch::randint(-24, 24, of_field) + 0.5) / 8).set_requires_grad(true);
  }
};

// As grid_sample was used: in float32, whatever the image.
at::Tensor theirs(const Case& c, at::ScalarType dtype) {
  const auto d = c.field.size(1);
  const auto place = voxel_grid(c.field.sizes().slice(2), dtype) + c.field.to(dtype);
  std::vector<std::int64_t> along(d + 2, 1);
  along[1] = d;
  const auto size = torch::tensor(c.image.sizes().slice(2).vec(), dtype).view(along);
  const auto grid = (2 * place / (size - 1) - 1).flip(1).movedim(1, -1);
  return at::grid_sampler(c.image.to(dtype), grid, 0, 0, true);
}

struct Answer {
  at::Tensor out, image, field;
};

Answer answer(const Case& c, const std::function<at::Tensor()>& read) {
  for (const auto* leaf : {&c.image, &c.field}) leaf->mutable_grad() = at::Tensor();
  const auto out = read();
  out.backward(c.grad.to(out.scalar_type()));
  return {out.detach(), c.image.grad(), c.field.grad()};
}

// Largest difference of result and gradients from float64, of the largest magnitude.
double error(const Answer& got, const Answer& wanted) {
  return std::max({relative_gap(got.out, wanted.out), relative_gap(got.image, wanted.image),
                   relative_gap(got.field, wanted.field)});
}

bool measure(const Settings& settings, const std::vector<std::int64_t>& shape, at::ScalarType dtype,
             bool last) {
  const Case c(shape, dtype, last);
  const auto read = [&] { return ops::warp(c.image, c.field, kReading); };
  const auto sample = [&] { return theirs(c, torch::kFloat32); };
  const auto wanted = answer(c, [&] { return theirs(c, torch::kFloat64); });
  const auto wrong = error(answer(c, read), wanted);
  const auto times =
      take_turns(settings.number("rounds"), {[&] { answer(c, sample); }, [&] { answer(c, read); }});
  std::ostringstream name;
  name << at::IntArrayRef(shape) << " | " << dtype << (last ? " | channels last" : " | contiguous");
  print_row(name.str(), times, {error(answer(c, sample), wanted), wrong});
  return wrong < (dtype == torch::kBFloat16 ? 0x1p-7 : 0x1p-18);
}

}  // namespace

int main(int argc, char** argv) {
  return compare_rivals(argc, argv, "warp_benchmark", [](const Settings& settings) {
    print_head("map | dtype | layout", {"grid_sample", "covector"});
    bool right = true;
    for (const auto& shape : kShapes)
      for (const auto dtype : {torch::kFloat32, torch::kBFloat16})
        for (const bool last : {false, true})
          right = measure(settings, shape, dtype, last) && right;
    return right;
  });
}
