#include "number_type.h"

#include <algorithm>
#include <array>

namespace covector {
namespace {

constexpr std::array kTypes{NumberType{at::kDouble, "float64", "DoubleStorage", "F64", "<f8"},
                            NumberType{at::kFloat, "float32", "FloatStorage", "F32", "<f4"},
                            NumberType{at::kHalf, "float16", "HalfStorage", "F16", "<f2"},
                            NumberType{at::kBFloat16, "bfloat16", "BFloat16Storage", "BF16", ""},
                            NumberType{at::kLong, "int64", "LongStorage", "I64", "<i8"},
                            NumberType{at::kInt, "int32", "IntStorage", "I32", "<i4"},
                            NumberType{at::kShort, "int16", "ShortStorage", "I16", "<i2"},
                            NumberType{at::kChar, "int8", "CharStorage", "I8", "|i1"},
                            NumberType{at::kByte, "uint8", "ByteStorage", "U8", "|u1"},
                            NumberType{at::kBool, "bool", "BoolStorage", "BOOL", "|b1"}};

template <class Matches>
const NumberType* first(Matches matches) {
  const auto* hit = std::find_if(kTypes.begin(), kTypes.end(), matches);
  return hit == kTypes.end() ? nullptr : hit;
}

}  // namespace

const NumberType* find_type(std::string_view NumberType::*format, std::string_view name) {
  return first([&](const NumberType& t) { return !name.empty() && t.*format == name; });
}

const NumberType* find_type(at::ScalarType type) {
  return first([&](const NumberType& t) { return t.type == type; });
}

}  // namespace covector
