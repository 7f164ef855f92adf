#include "covector/core/random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/core/PhiloxRNGEngine.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

namespace covector {
namespace {

// FNV-1a, 64 bits: stable across platforms, unlike std::hash.
std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  for (int byte = 0; byte < 8; ++byte) {
    hash ^= (value >> (8 * byte)) & 0xFFU;
    hash *= 0x100000001B3ULL;
  }
  return hash;
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, std::string_view purpose,
                           std::initializer_list<std::uint64_t> index) {
  auto hash = 0xCBF29CE484222325ULL;
  for (const char c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  key_ = mix(hash, seed);
  counter_high_ = mix(0xCBF29CE484222325ULL, index.size());
  for (const auto value : index) counter_high_ = mix(counter_high_, value);
}

std::uint32_t RandomStream::bits() {
  if (used_ == 4) {
    at::philox_engine engine(key_, counter_high_, counter_low_++);
    for (auto& word : block_) word = engine();
    used_ = 0;
  }
  return block_[used_++];
}

std::uint64_t RandomStream::bits64() {
  const std::uint64_t high = bits();
  return high << 32 | bits();
}

double RandomStream::uniform() {
  return static_cast<double>(bits64() >> 11) * 0x1p-53;
}
double RandomStream::uniform(double low, double high) {
  return low + (high - low) * uniform();
}

double RandomStream::normal() {
  // Box-Muller; 1 - u keeps the logarithm away from 0.
  const auto radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

bool RandomStream::bernoulli(double probability) {
  return uniform() < probability;
}

std::int64_t RandomStream::integer(std::int64_t count) {
  if (count < 1)
    throw std::invalid_argument("a random integer below " + std::to_string(count) +
                                " does not exist");
  // Rejects the incomplete last multiple of count, which would favour small numbers.
  const auto range = static_cast<std::uint64_t>(count);
  const auto limit = ~std::uint64_t{0} - ~std::uint64_t{0} % range;
  auto drawn = bits64();
  while (drawn >= limit) drawn = bits64();
  return static_cast<std::int64_t>(drawn % range);
}

std::vector<std::int64_t> RandomStream::permutation(std::int64_t count) {
  std::vector<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (auto i = count - 1; i > 0; --i) std::swap(order[i], order[integer(i + 1)]);
  return order;
}

at::Generator RandomStream::generator(const at::Device& device) {
  auto generator = device.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>(bits64())
                                   : at::globalContext().defaultGenerator(device).clone();
  if (!device.is_cpu()) generator.set_current_seed(bits64());
  return generator;
}

Draws::Draws(std::vector<RandomStream> parameters, std::vector<RandomStream> fields,
             at::Tensor applied)
    : parameters_(std::move(parameters)), fields_(std::move(fields)), applied_(std::move(applied)) {
  if (!applied_.defined()) applied_ = torch::ones({batch()}, torch::kFloat64);
}

at::Tensor Draws::uniform(double low, double high) {
  auto out = torch::empty({batch()}, torch::kFloat64);
  for (std::int64_t i = 0; i < batch(); ++i)
    out.data_ptr<double>()[i] = parameters_[i].uniform(low, high);
  return out;
}

at::Tensor Draws::normal(double mean, double standard_deviation) {
  auto out = torch::empty({batch()}, torch::kFloat64);
  for (std::int64_t i = 0; i < batch(); ++i)
    out.data_ptr<double>()[i] = mean + standard_deviation * parameters_[i].normal();
  return out;
}

at::Tensor Draws::bernoulli(double probability) {
  auto out = torch::empty({batch()}, torch::kFloat64);
  for (std::int64_t i = 0; i < batch(); ++i)
    out.data_ptr<double>()[i] = parameters_[i].bernoulli(probability) ? 1.0 : 0.0;
  return out;
}

at::Tensor Draws::uniform_field(at::IntArrayRef shape, const at::TensorOptions& options) {
  auto whole = shape.vec();
  whole.insert(whole.begin(), batch());
  auto out = torch::empty(whole, options);
  for (std::int64_t i = 0; i < batch(); ++i)
    out[i].uniform_(0.0, 1.0, fields_[i].generator(out.device()));
  return out;
}

at::Tensor Draws::normal_field(at::IntArrayRef shape, const at::TensorOptions& options) {
  auto whole = shape.vec();
  whole.insert(whole.begin(), batch());
  auto out = torch::empty(whole, options);
  for (std::int64_t i = 0; i < batch(); ++i)
    out[i].normal_(0.0, 1.0, fields_[i].generator(out.device()));
  return out;
}

}  // namespace covector
