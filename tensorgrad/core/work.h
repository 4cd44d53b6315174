// How much arithmetic this thread has asked for: what utils.summary reports of a model.
#pragma once
#include <cstdint>

namespace tensorgrad {

// Multiplications with an addition in matrix products, convolutions and attention, forward and backward.
[[gnu::tls_model("initial-exec")]] inline thread_local constinit int64_t multiply_adds = 0;

}  // namespace tensorgrad
