#pragma once

#include "kernels/numbers.h"

#include <cstdint>

/// Register-wide vectors for the loops that are compiled once an instruction set, in the vector
/// types of GCC and Clang. Without a name for its namespace every file gets functions of its own:
/// of inline ones the linker would keep one copy, maybe that of instructions the machine lacks.
namespace covector::kernels {
namespace {

// The widest registers of the instruction set that this file is compiled for.
#if defined(__AVX512F__)
constexpr std::int64_t kRegisterBytes = 64;
#elif defined(__AVX2__)
constexpr std::int64_t kRegisterBytes = 32;
#else
constexpr std::int64_t kRegisterBytes = 16;
#endif

inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

template <class T>
struct Register;
template <>
struct Register<float> {
  typedef float Vector __attribute__((vector_size(kRegisterBytes)));
  typedef std::int32_t Bits __attribute__((vector_size(kRegisterBytes)));
};
template <>
struct Register<double> {
  typedef double Vector __attribute__((vector_size(kRegisterBytes)));
  typedef std::int64_t Bits __attribute__((vector_size(kRegisterBytes)));
};
template <class T>
using Vector = typename Register<T>::Vector;
template <class T>
constexpr std::int64_t kLanes = kRegisterBytes / sizeof(T);

template <class T>
Vector<T> load(const T* from) {
  Vector<T> v;
  __builtin_memcpy(&v, from, sizeof(v));
  return v;
}
template <class T>
void store(T* to, Vector<T> v) {
  __builtin_memcpy(to, &v, sizeof(v));
}
template <class T>
Vector<T> all(T value) {
  return Vector<T>{} + value;
}

// Which lanes of a register stand for numbers in memory: all of them, or the first few.
struct Whole {};
struct Part {
  std::int64_t lanes;
};

typedef std::uint16_t Halves __attribute__((vector_size(kRegisterBytes / 2)));
typedef std::uint32_t Words __attribute__((vector_size(kRegisterBytes)));

inline Vector<float> read(const float* from, Whole) {
  return load(from);
}
inline Vector<double> read(const double* from, Whole) {
  return load(from);
}
inline Vector<float> read(const BFloat16* from, Whole) {
  Halves halves;
  __builtin_memcpy(&halves, from, sizeof(halves));
  const Words words = __builtin_convertvector(halves, Words) << 16;
  Vector<float> v;
  __builtin_memcpy(&v, &words, sizeof(v));
  return v;
}
// Zero in the other lanes.
template <class S>
Vector<Wide<S>> read(const S* from, Part part) {
  S numbers[kLanes<Wide<S>>] = {};
  for (std::int64_t i = 0; i < part.lanes; ++i) numbers[i] = from[i];
  return read(numbers, Whole{});
}

inline void write(float* to, Vector<float> v, Whole) {
  store(to, v);
}
inline void write(double* to, Vector<double> v, Whole) {
  store(to, v);
}
// Rounded to the nearest, ties to even. What is not a number stays none.
inline void write(BFloat16* to, Vector<float> v, Whole) {
  Words words;
  __builtin_memcpy(&words, &v, sizeof(words));
  const Words rounded = (words + 0x7fffU + ((words >> 16) & 1U)) >> 16;
  const Words kept = v == v ? rounded : Words{} + 0x7fc0U;
  const auto halves = __builtin_convertvector(kept, Halves);
  __builtin_memcpy(to, &halves, sizeof(halves));
}
template <class S>
void write(S* to, Vector<Wide<S>> v, Part part) {
  S numbers[kLanes<Wide<S>>];
  write(numbers, v, Whole{});
  for (std::int64_t i = 0; i < part.lanes; ++i) to[i] = numbers[i];
}

// Calls visit(i, lanes) for every register of `count` numbers.
template <class T, class Visit>
__attribute__((always_inline)) inline void for_each_register(std::int64_t count,
                                                             const Visit& visit) {
  std::int64_t i = 0;
  for (; i + kLanes<T> <= count; i += kLanes<T>) visit(i, Whole{});
  if (i < count) visit(i, Part{count - i});
}

}  // namespace
}  // namespace covector::kernels
