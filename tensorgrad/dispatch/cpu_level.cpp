#include "tensorgrad/dispatch/cpu_level.h"

#include <cstdlib>
#include <cstring>

namespace tensorgrad {
namespace {
#if defined(__x86_64__)
constexpr const char* names[] = {"v2", "v3", "v4"};
int detect() {
  __builtin_cpu_init();
  const int best = __builtin_cpu_supports("x86-64-v4") ? 2 : __builtin_cpu_supports("x86-64-v3") ? 1 : 0;
  if (const char* wanted = std::getenv("TENSORGRAD_CPU"))
    for (int level = 0; level <= best; level++)
      if (std::strcmp(wanted, names[level]) == 0) return level;
  return best;
}
#else
constexpr const char* names[] = {"generic"};
int detect() { return 0; }
#endif
}  // namespace

int cpu_level() {
  static const int level = detect();
  return level;
}
const char* cpu_level_name() { return names[cpu_level()]; }

}  // namespace tensorgrad
