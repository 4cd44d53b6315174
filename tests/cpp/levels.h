// The instruction-set levels that the kernels are compiled for, and whether this machine has one.
#pragma once

#if defined(__x86_64__)
#define TG_TEST_LEVELS(X) X(v2, "x86-64-v2") X(v3, "x86-64-v3") X(v4, "x86-64-v4")
#define TG_TEST_HAS(name) __builtin_cpu_supports(name)
#else
#define TG_TEST_LEVELS(X) X(generic, "")
#define TG_TEST_HAS(name) true
#endif
