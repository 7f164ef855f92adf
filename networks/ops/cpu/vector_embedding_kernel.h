#pragma once

#include "ops/vector_embedding_calls.h"

#include <cstdint>

/// The loops of the vector embedding unit for CPUs, compiled once an instruction set.
///
/// The loops may use no inline function from a header: the linker keeps one copy of each, and might
/// keep that of an instruction set which the machine lacks.
namespace covector::networks::ops::cpu {

/// Voxels of a row that are worked on together.
inline constexpr std::int64_t kTile = 192;

/// What the backward loops copy of each query: peak, largest, slope, three axes of the gradient.
inline constexpr std::int64_t kQuerySides = 6;

/// From row to row of a copy: a tile, its neighbours' neighbours and the rest of a last register.
/// Static, for the loops call it: every instruction set has its own.
static inline std::int64_t row_span(const Grid& grid) {
  constexpr std::int64_t kWidestRegister = 16;
  return kTile + 4 * grid.radius + kWidestRegister;
}

/// Numbers that a thread needs to itself.
inline std::int64_t forward_scratch(const Grid& grid) {
  const auto side = 2 * grid.radius + 1;
  const auto neighbours = side * side * (grid.axes == 3 ? side : 1);
  return (2 * grid.head_dim + 1) * row_span(grid) + neighbours * kTile;
}
inline std::int64_t backward_scratch(const Grid& grid) {
  return (3 * grid.head_dim + kQuerySides + 2 * grid.radius + 1) * row_span(grid);
}

/// Each function does the rows begin .. end - 1 of batch * groups * depth * height.
template <class T>
struct Loops {
  void (*forward)(const ForwardCall<T>&, std::int64_t begin, std::int64_t end, T* scratch);
  void (*backward)(const BackwardCall<T>&, std::int64_t begin, std::int64_t end, T* scratch);
};

struct VectorEmbeddingKernel {
  Loops<float> f32;
  Loops<double> f64;
};

extern const VectorEmbeddingKernel kVectorEmbeddingDefault;
#ifdef COVECTOR_X86
extern const VectorEmbeddingKernel kVectorEmbeddingAvx2;
extern const VectorEmbeddingKernel kVectorEmbeddingAvx512;
#endif

}  // namespace covector::networks::ops::cpu
