// Random streams: bulk fills against the generator's single draws, every instruction-set level against the
// first, and the bytes of a state. That the numbers are PyTorch's is shown in tests/python/test_random.py.
#include "tensorgrad/core/random.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "tensorgrad/backends/random_slots.h"
#include "tensorgrad/core/check.h"

using namespace tensorgrad;

namespace {

constexpr Device host{};
const std::vector<int64_t> lengths = {0, 1, 2, 15, 16, 17, 623, 624, 625, 1023, 1024, 1025, 5000};
const std::vector<uint64_t> seeds = {0, 1, 42, ~0ULL, 0x123456789abcdefULL};

bool same_state(const Generator& a, const Generator& b) { return a.get_state() == b.get_state(); }

}  // namespace

TEST_CASE("a bulk fill is the sequence of single draws") {
  for (uint64_t seed : seeds) {
    Generator bulk(seed), single(seed);
    for (int64_t n : lengths) {
      std::vector<int32_t> words(n);
      slots::random_all_integers(host, bulk.state(), words.data(), DType::Int32, n);
      for (int64_t i = 0; i < n; i++) REQUIRE(uint32_t(words[i]) == (single.next32() & 0x7fffffffu));
      std::vector<int64_t> wide(n);
      slots::random_integers(host, bulk.state(), wide.data(), DType::Int64, n, 0, 0);
      for (int64_t i = 0; i < n; i++) REQUIRE(uint64_t(wide[i]) == single.next64());
      std::vector<double> normals(n);
      slots::random_normal(host, bulk.state(), normals.data(), DType::Float64, n, 0, 1, true);
      for (int64_t i = 0; i < n; i++) REQUIRE(normals[i] == single.next_normal());
      REQUIRE(same_state(bulk, single));
    }
  }
}

TEST_CASE("remainders by multiplication are remainders") {
  for (uint64_t range :
       {1ULL, 2ULL, 3ULL, 7ULL, 10ULL, 641ULL, 1000003ULL, (1ULL << 27) + 1, (1ULL << 28) - 1}) {
    Generator bulk(range), single(range);
    std::vector<int64_t> drawn(3000);
    slots::random_integers(host, bulk.state(), drawn.data(), DType::Int64, 3000, range, -5);
    for (int64_t x : drawn) REQUIRE(x == int64_t(single.next32() % range) - 5);
  }
}

TEST_CASE("a permutation holds every number once") {
  Generator g(3);
  for (int64_t n : lengths) {
    std::vector<int64_t> p(n);
    slots::random_permutation(host, g.state(), p.data(), DType::Int64, n);
    std::vector<bool> seen(n);
    for (int64_t x : p) {
      REQUIRE((x >= 0 && x < n && !seen[x]));
      seen[x] = true;
    }
  }
}

TEST_CASE("bytes of a state") {
  Generator g(7);
  for (int draws : {0, 1, 623, 624, 625}) {
    g.manual_seed(7);
    for (int i = 0; i < draws; i++) g.next32();
    g.next_normal();
    Generator other;
    const auto bytes = g.get_state();
    other.set_state(bytes.data(), bytes.size());
    CHECK(same_state(g, other));
    CHECK(same_state(g, *g.clone()));
    CHECK(g.next_normal() == other.next_normal());
    CHECK(g.next64() == other.next64());
  }
  std::array<uint8_t, Generator::state_size> nothing{};
  CHECK_THROWS_AS(g.set_state(nothing.data(), nothing.size()), Error);
  CHECK_THROWS_AS(g.set_state(nothing.data(), 100), Error);
}

#if defined(__x86_64__)
namespace {

// The bits of fills of all lengths, one after the other.
template <class Fill>
std::vector<uint8_t> bits_of(const Fill& fill) {
  Generator g(11);
  std::vector<uint8_t> all;
  for (int64_t n : lengths) {
    std::vector<uint8_t> memory(n * sizeof(double));
    fill(g.state(), memory.data(), n);
    all.insert(all.end(), memory.begin(), memory.end());
  }
  return all;
}

}  // namespace

#define CHECK_LEVELS(NAME, ...)                                                                           \
  do {                                                                                                    \
    const auto v2 =                                                                                       \
        bits_of([&](RandomState& s, void* out, int64_t n) { cpu::v2::NAME(s, out, t, n, __VA_ARGS__); }); \
    if (cpu_level() >= 1)                                                                                 \
      CHECK(v2 == bits_of([&](RandomState& s, void* out, int64_t n) {                                     \
              cpu::v3::NAME(s, out, t, n, __VA_ARGS__);                                                   \
            }));                                                                                          \
    if (cpu_level() >= 2)                                                                                 \
      CHECK(v2 == bits_of([&](RandomState& s, void* out, int64_t n) {                                     \
              cpu::v4::NAME(s, out, t, n, __VA_ARGS__);                                                   \
            }));                                                                                          \
  } while (0)

TEST_CASE("every instruction-set level gives the same bits") {
  for (DType t : {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16}) {
    CHECK_LEVELS(random_uniform, -1.3, 2.7);
    CHECK_LEVELS(random_normal, 0.5, 1.7, false);
    CHECK_LEVELS(random_exponential, 1.5);
    CHECK_LEVELS(random_bernoulli, 0.3);
    CHECK_LEVELS(random_integers, 1000003, -5);
  }
}
#endif
