#pragma once

#include <cstdint>

/// Register-wide vectors for the loops that are compiled once an instruction set, in the vector
/// types of GCC and Clang. Without a name for its namespace every file gets functions of its own:
/// of inline ones the linker would keep one copy, maybe that of instructions the machine lacks.
namespace covector::networks::ops::cpu {
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

}  // namespace
}  // namespace covector::networks::ops::cpu
