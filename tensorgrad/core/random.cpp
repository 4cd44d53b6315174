#include "tensorgrad/core/random.h"

#include <math.h>
#include <string.h>

#include <random>

#include "tensorgrad/core/check.h"

namespace tensorgrad {
namespace {

// PyTorch's cpu generator, byte by byte.
struct StateBytes {
  uint64_t seed;
  int32_t left;  // draws until the words are made anew, plus one
  int32_t seeded;
  uint64_t next;
  uint64_t words[RandomState::size];  // 32 bits used of each
  double unused_x;
  double normal;
  double unused_rho;
  int32_t has_normal;
  int32_t padding;
  float unused_float;
  int32_t has_float_normal;
};
static_assert(sizeof(StateBytes) == Generator::state_size);

constexpr uint32_t upper_bit = 0x80000000u, lower_bits = 0x7fffffffu, twist_matrix = 0x9908b0dfu;

void regenerate(RandomState& s) {
  constexpr int n = RandomState::size, m = 397;
  for (int i = 0; i < n; ++i) {
    uint32_t y = (s.words[i] & upper_bit) | (s.words[(i + 1) % n] & lower_bits);
    s.words[i] = s.words[(i + m) % n] ^ (y >> 1) ^ (-(y & 1u) & twist_matrix);
  }
  s.next = 0;
}

}  // namespace

void Generator::manual_seed(uint64_t seed) noexcept {
  state_.seed = seed;
  state_.words[0] = static_cast<uint32_t>(seed);
  for (uint32_t i = 1; i < RandomState::size; ++i) {
    uint32_t before = state_.words[i - 1];
    state_.words[i] = 1812433253u * (before ^ (before >> 30)) + i;
  }
  state_.next = 0;
  state_.has_normal = 0;
  state_.normal = 0;
}

uint64_t Generator::seed() {
  std::random_device device;
  uint64_t high = device();
  uint64_t fresh = ((high << 32) | device()) & ((1ULL << 53) - 1);
  manual_seed(fresh);
  return fresh;
}

uint32_t Generator::next32() noexcept {
  if (state_.next == 0 || state_.next >= RandomState::size) regenerate(state_);
  uint32_t y = state_.words[state_.next++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

uint64_t Generator::next64() noexcept {
  uint64_t high = next32();
  return (high << 32) | next32();
}

double Generator::next_normal() noexcept {
  if (state_.has_normal) {
    state_.has_normal = 0;
    double kept = state_.normal;
    state_.normal = 0;
    return kept;
  }
  constexpr uint64_t mask = (1ULL << 53) - 1;
  double u1 = static_cast<double>(next64() & mask) * 0x1p-53;
  double u2 = static_cast<double>(next64() & mask) * 0x1p-53;
  double radius = sqrt(-2 * log1p(-u2));
  double angle = 2 * M_PI * u1;
  state_.normal = radius * sin(angle);
  state_.has_normal = 1;
  return radius * cos(angle);
}

std::array<uint8_t, Generator::state_size> Generator::get_state() const noexcept {
  StateBytes bytes{};
  bytes.seed = state_.seed;
  bytes.left = state_.next == 0 ? 1 : RandomState::size + 1 - static_cast<int32_t>(state_.next);
  bytes.seeded = 1;
  bytes.next = state_.next;
  for (int i = 0; i < RandomState::size; ++i) bytes.words[i] = state_.words[i];
  bytes.normal = state_.normal;
  bytes.has_normal = state_.has_normal;
  std::array<uint8_t, state_size> result;
  memcpy(result.data(), &bytes, state_size);
  return result;
}

void Generator::set_state(const uint8_t* data, size_t size) {
  TG_CHECK(size == state_size, Runtime, "Expected a CPUGeneratorImplState of size ", state_size,
           " but found the input RNG state size to be ", size);
  StateBytes bytes;
  memcpy(&bytes, data, state_size);
  bool valid = bytes.seeded == 1 && bytes.left > 0 && bytes.left <= RandomState::size &&
               bytes.next <= static_cast<uint64_t>(RandomState::size);
  TG_CHECK(valid, Runtime, "Invalid mt19937 state");
  state_.seed = bytes.seed;
  // `left` decides when the words run out. One left means none: all drawn, or none made yet.
  state_.next = bytes.left == 1 && bytes.next != 0 ? RandomState::size : static_cast<uint32_t>(bytes.next);
  for (int i = 0; i < RandomState::size; ++i) state_.words[i] = static_cast<uint32_t>(bytes.words[i]);
  state_.has_normal = bytes.has_normal != 0;
  state_.normal = state_.has_normal ? bytes.normal : 0;
}

std::shared_ptr<Generator> Generator::clone() const {
  auto copy = std::make_shared<Generator>();
  copy->state_ = state_;
  return copy;
}

const std::shared_ptr<Generator>& default_generator_handle() {
  static const std::shared_ptr<Generator> generator = [] {
    auto made = std::make_shared<Generator>();
    made->seed();
    return made;
  }();
  return generator;
}

Generator& default_generator() { return *default_generator_handle(); }

}  // namespace tensorgrad
