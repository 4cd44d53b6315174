#pragma once

#include <stdint.h>

#include <array>
#include <memory>
#include <mutex>

#include "tensorgrad/core/random_state.h"

namespace tensorgrad {

// A stream of random numbers on the cpu: PyTorch's numbers for PyTorch's seeds. Draws are not synchronised;
// hold `mutex()` while drawing from a generator that other threads may use.
class Generator {
 public:
  // The seed of a generator nobody has seeded.
  static constexpr uint64_t default_seed = 67280421310721ULL;
  // Size of the byte state, PyTorch's `torch.get_rng_state().numel()`.
  static constexpr size_t state_size = 5056;

  explicit Generator(uint64_t seed = default_seed) { manual_seed(seed); }

  void manual_seed(uint64_t seed) noexcept;
  // Seeds from the operating system and returns that seed (53 bits, so that a double holds it).
  uint64_t seed();
  uint64_t initial_seed() const noexcept { return state_.seed; }

  uint32_t next32() noexcept;
  uint64_t next64() noexcept;
  // A standard normal by Box-Muller; every second call returns the sine half that the call before kept.
  double next_normal() noexcept;

  // The state in the byte layout of PyTorch's cpu generator, so that it moves between the two.
  std::array<uint8_t, state_size> get_state() const noexcept;
  // RuntimeError in PyTorch's words where the bytes are no state.
  void set_state(const uint8_t* bytes, size_t size);

  std::shared_ptr<Generator> clone() const;

  RandomState& state() noexcept { return state_; }
  const RandomState& state() const noexcept { return state_; }
  std::mutex& mutex() noexcept { return mutex_; }

 private:
  RandomState state_;
  std::mutex mutex_;
};

// The generator that calls without `generator=` draw from; seeded by the operating system when first used.
Generator& default_generator();
// The same, for those who keep it.
const std::shared_ptr<Generator>& default_generator_handle();

// Seeds the default generator.
inline void manual_seed(uint64_t seed) { default_generator().manual_seed(seed); }

}  // namespace tensorgrad
