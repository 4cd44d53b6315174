#pragma once

#include <stdint.h>

namespace tensorgrad {

// What a stream of random numbers is made of. Plain data, so that kernels of every instruction set may share
// it.
struct RandomState {
  static constexpr int size = 624;

  uint32_t words[size];  // the Mersenne twister, before tempering
  uint32_t next;         // first word not yet drawn; 0 straight after seeding and `size` when all are drawn
  int32_t has_normal;  // whether `normal`, the second of a Box-Muller pair, waits for the next scalar normal
  double normal;
  uint64_t seed;
};

}  // namespace tensorgrad
