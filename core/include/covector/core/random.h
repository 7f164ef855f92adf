#pragma once

#include "covector/core/export.h"

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace covector {

/// A stream of random numbers that depends on its key alone, never on what was drawn elsewhere:
/// Philox 4x32-10 with key `seed` and `purpose`, and counter (index..., draw). Two streams with
/// different keys are independent; the same key gives the same numbers on every machine, thread and
/// process.
class COVECTOR_API RandomStream {
 public:
  /// @param purpose  what is drawn, e.g. "order" or "view/fixed/0:affine"
  /// @param index    where: (step, sample) or (epoch)
  RandomStream(std::uint64_t seed, std::string_view purpose,
               std::initializer_list<std::uint64_t> index = {});

  std::uint32_t bits();
  std::uint64_t bits64();
  double uniform();                         // [0, 1), 53 bits
  double uniform(double low, double high);  // [low, high)
  double normal();                          // mean 0, standard deviation 1
  bool bernoulli(double probability);
  std::int64_t integer(std::int64_t count);  // [0, count), unbiased; std::invalid_argument below 1
  /// A permutation of 0 .. count - 1 (Fisher-Yates).
  std::vector<std::int64_t> permutation(std::int64_t count);
  /// A library generator seeded from this stream, for filling whole tensors on a device. What it
  /// gives differs between CPU and CUDA.
  at::Generator generator(const at::Device& device);

 private:
  std::uint64_t key_;
  std::uint64_t counter_high_;
  std::uint64_t counter_low_ = 0;
  std::uint32_t block_[4] = {};
  int used_ = 4;
};

/// The random numbers of one transform for one batch.
///
/// Parameters (an angle, a strength) come from `parameters`, one stream a sample; where a recipe
/// says draw = "batch" those streams are all the same. Fields (noise of every pixel) always differ
/// by sample.
class COVECTOR_API Draws {
 public:
  /// @param applied  [N] float64, 1 for the samples the transform acts on; all of them when
  /// undefined
  Draws(std::vector<RandomStream> parameters, std::vector<RandomStream> fields,
        at::Tensor applied = {});

  std::int64_t batch() const { return static_cast<std::int64_t>(parameters_.size()); }
  /// Which samples the transform acts on: [N] float64 on the CPU, 1 or 0. The others keep their
  /// pixels and their place; only a transform that gives the whole batch a new size acts on all.
  const at::Tensor& applied() const { return applied_; }
  /// One number a sample: [N] float64 on the CPU.
  at::Tensor uniform(double low, double high);
  at::Tensor normal(double mean, double standard_deviation);
  at::Tensor bernoulli(double probability);  // 0 or 1
  /// For draws that depend on each other (a box that is drawn only sometimes).
  RandomStream& parameters(std::int64_t sample) { return parameters_.at(sample); }
  /// One number a voxel: [N, *shape] of the dtype and device asked for.
  at::Tensor uniform_field(at::IntArrayRef shape, const at::TensorOptions& options);
  at::Tensor normal_field(at::IntArrayRef shape, const at::TensorOptions& options);

 private:
  std::vector<RandomStream> parameters_;
  std::vector<RandomStream> fields_;
  at::Tensor applied_;
};

}  // namespace covector
