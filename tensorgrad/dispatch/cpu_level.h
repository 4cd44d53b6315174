// Which instruction set the cpu kernels use: the best this machine has, or what TENSORGRAD_CPU names (v2, v3,
// v4).
#pragma once

namespace tensorgrad {

#if defined(__x86_64__)
inline constexpr int kCpuLevels = 3;  // x86-64-v2, v3 (AVX2, FMA), v4 (AVX-512)
#else
inline constexpr int kCpuLevels = 1;
#endif

int cpu_level();  // index into a slot's functions
const char* cpu_level_name();

}  // namespace tensorgrad
