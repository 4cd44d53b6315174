// Measures the vector maths against the C library in double over the float32 inputs.
//
//   vmath_sweep [--step N] [--only NAME,NAME...] [--bench]
//
// Prints the worst error in units in the last place for each function and instruction-set level and fails
// above 2 (3 to 5 for functions composed of several: the tails of the normal distribution, products with x;
// gradients that cross zero are measured against the larger of their value and 1). --step 1 visits all 2^32
// inputs.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/cpp/vmath/table.h"

#define X(level)                                                    \
  namespace tensorgrad::cpu::level {                                \
  extern const VmathRow vmath_rows[];                               \
  void vmath_pow(const float*, const float*, float*, size_t);       \
  void vmath_remainder(const float*, const float*, float*, size_t); \
  }
TG_LEVELS
#undef X
namespace cpu = tensorgrad::cpu;

namespace {

struct Level {
  std::string name;
  const VmathRow* rows;
  void (*pow)(const float*, const float*, float*, size_t);
  void (*remainder)(const float*, const float*, float*, size_t);
};

bool usable(const std::string& level) {
#ifdef __x86_64__
  if (level == "v3") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (level == "v4") return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
  return true;
}

std::vector<Level> usable_levels() {
  std::vector<Level> all;
#define X(level)      \
  if (usable(#level)) \
    all.push_back({#level, cpu::level::vmath_rows, cpu::level::vmath_pow, cpu::level::vmath_remainder});
  TG_LEVELS
#undef X
  return all;
}
const std::vector<Level> levels = usable_levels();

const double pi = 3.14159265358979323846;
double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
double normal_cdf(double x) { return 0.5 * erfc(-x / sqrt(2.0)); }
double tanh_arg(double x) { return 2 * sqrt(2 / pi) * (x + 0.044715 * x * x * x); }
double erfinv(double x) {
  if (fabs(x) >= 1) return fabs(x) == 1 ? copysign(INFINITY, x) : NAN;
  double a = fabs(x), y = a * 0.886226925452758, lo = 0, hi = 5;
  for (int i = 0; i < 200; ++i) {  // Newton kept inside a bracket
    double e = a < 0.5 ? erf(y) - a : (1 - a) - erfc(y);
    (e > 0 ? hi : lo) = y;
    double next = y - e * 0.886226925452758 * exp(y * y);
    if (!(next >= lo && next <= hi)) next = 0.5 * (lo + hi);
    if (next == y) break;
    y = next;
  }
  return copysign(y, x);
}

struct Reference {
  const char* name;
  double (*f)(double);
  bool near_zero_absolute;
  double limit = 2;
};
const Reference references[] = {
    {"exp", exp, false},
    {"exp2", exp2, false},
    {"expm1", expm1, false},
    {"log", log, false},
    {"log2", log2, false},
    {"log10", log10, false},
    {"log1p", log1p, false},
    {"sqrt", sqrt, false},
    {"rsqrt", [](double x) { return 1 / sqrt(x); }, false},
    {"reciprocal", [](double x) { return 1 / x; }, false},
    {"asin", asin, false},
    {"acos", acos, false},
    {"atan", atan, false},
    {"sinh", sinh, false},
    {"cosh", cosh, false},
    {"tanh", tanh, false},
    {"asinh", asinh, false},
    {"acosh", acosh, false},
    {"atanh", atanh, false},
    {"sigmoid", sigmoid, false},
    {"erf", erf, false},
    {"erfc", erfc, false, 4},
    {"erfinv", erfinv, false},
    {"gelu", [](double x) { return x * normal_cdf(x); }, false, 5},
    {"gelu_tanh", [](double x) { return x * sigmoid(tanh_arg(x)); }, false, 3},
    {"gelu_grad",
     [](double x) { return isinf(x) ? (x > 0 ? 1 : 0) : normal_cdf(x) + x * exp(-x * x / 2) / sqrt(2 * pi); },
     true},
    {"gelu_tanh_grad",
     [](double x) {
       double v = tanh_arg(x), s = sigmoid(v), t = s * sigmoid(-v);
       return t == 0 ? s : s + x * 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x) * t;
     },
     true},
    {"silu", [](double x) { return x * sigmoid(x); }, false, 3},
    {"silu_grad",
     [](double x) {
       double s = sigmoid(x), t = s * sigmoid(-x);
       return t == 0 ? s : s + x * t;
     },
     true},
    {"softplus", [](double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }, false},
    {"log_sigmoid", [](double x) { return fmin(x, 0) - log1p(exp(-fabs(x))); }, false},
    {"floor", floor, false},
    {"ceil", ceil, false},
    {"trunc", trunc, false},
    {"round_even", rint, false},
    {"sin", sin, false},
    {"cos", cos, false},
    {"tan", tan, false},
};

float from_bits(uint32_t i) {
  float f;
  memcpy(&f, &i, 4);
  return f;
}

uint32_t to_bits(float f) {
  uint32_t i;
  memcpy(&i, &f, 4);
  return i;
}

// The distance of y from the exact value r, in units of the last place of a float of r's size.
double ulps(float x, float y, double r, bool absolute) {
  if (isnan(r) || isnan(y)) return isnan(r) && isnan(y) ? 0 : INFINITY;
  float rounded = float(r);
  if (isinf(rounded) || isinf(y))
    return rounded == y || (isinf(y) && fabs(r) > 3.402822e38 && (y > 0) == (r > 0)) ? 0 : INFINITY;
  if (y == 0 && rounded == 0 && signbit(y) != signbit(rounded) && r == 0 && x == 0) return INFINITY;
  if (r == 0 && !absolute) return fabs(y) / ldexp(1.0, -149);
  int e;
  frexp(absolute ? fmax(fabs(r), 1.0) : fabs(r), &e);
  return fabs(y - r) / ldexp(1.0, e - 24 < -149 ? -149 : e - 24);
}

struct Worst {
  double ulp = 0;
  uint32_t at = 0;
};

// One pass over part of the inputs for all levels: the reference costs the most.
void sweep_part(int row, const Reference& reference, uint64_t begin, uint64_t end, uint64_t step,
                Worst* worst) {
  constexpr size_t block = 1024;
  float x[block], y[block];
  double r[block];
  for (uint64_t b = begin; b < end; b += block * step) {
    size_t n = 0;
    for (uint64_t i = b; i < end && n < block; i += step) x[n++] = from_bits(uint32_t(i));
    if (b == 0 && step > 1)  // the values that a sample would miss
      for (float special : {INFINITY, -INFINITY, NAN, 3.4028235e38f, -3.4028235e38f, -1e30f, 1.1754944e-38f,
                            -0.0f, -1e-40f, 1.0f, -1.0f})
        x[--n] = special;
    for (size_t i = 0; i < n; ++i) r[i] = reference.f(x[i]);
    for (size_t l = 0; l < levels.size(); ++l) {
      levels[l].rows[row].f32(x, y, n);
      for (size_t i = 0; i < n; ++i) {
        double u = ulps(x[i], y[i], r[i], reference.near_zero_absolute);
        if (u > worst[l].ulp) worst[l] = {u, to_bits(x[i])};
      }
    }
  }
}

std::vector<Worst> sweep(int row, const Reference& reference, uint64_t step) {
  unsigned threads = std::thread::hardware_concurrency();
  constexpr uint64_t parts = 256, size = (uint64_t(1) << 32) / parts;
  std::atomic<uint64_t> next{0};
  std::vector<Worst> worst(threads * levels.size()), all(levels.size());
  std::vector<std::thread> pool;
  for (unsigned t = 0; t < threads; ++t)
    pool.emplace_back([&, t] {
      for (uint64_t p; (p = next++) < parts;)
        sweep_part(row, reference, (p * size + step - 1) / step * step, (p + 1) * size, step,
                   &worst[t * levels.size()]);
    });
  for (auto& t : pool) t.join();
  for (size_t i = 0; i < worst.size(); ++i)
    if (worst[i].ulp > all[i % levels.size()].ulp) all[i % levels.size()] = worst[i];
  return all;
}

// Two-argument functions on random pairs of every magnitude and on all pairs of special values.
Worst sweep_pairs(void (*f)(const float*, const float*, float*, size_t), double (*reference)(double, double),
                  size_t count) {
  const float special[] = {0.f,        -0.f,       1.f,        -1.f,       0.5f,   -0.5f,
                           2.f,        -2.f,       3.f,        -3.f,       1e-45f, -1e-45f,
                           1e38f,      -1e38f,     INFINITY,   -INFINITY,  NAN,    16777216.f,
                           16777217.f, 8388607.5f, -8388607.f, 0.99999994f};
  std::vector<float> x, y;
  for (float a : special)
    for (float b : special) x.push_back(a), y.push_back(b);
  uint64_t state = 1;
  auto random = [&] { return uint32_t((state = state * 6364136223846793005u + 1442695040888963407u) >> 32); };
  for (size_t i = 0; i < count; ++i) {
    uint32_t a = random(), b = random();
    if (i & 1)
      a = (a & 0x007fffff) + ((120 + (random() & 15)) << 23),
      b = (b & 0x807fffff) + ((120 + (random() & 15)) << 23);
    x.push_back(from_bits(a)), y.push_back(from_bits(b));
  }
  std::vector<float> z(x.size());
  f(x.data(), y.data(), z.data(), x.size());
  Worst worst;
  for (size_t i = 0; i < x.size(); ++i) {
    double u = ulps(x[i], z[i], reference(x[i], y[i]), false);
    if (u > worst.ulp) worst = {u, to_bits(x[i])};
  }
  return worst;
}

// float64 against the C library's long double, on random values of ordinary size and of every size.
struct Reference64 {
  const char* name;
  long double (*f)(long double);
};
const Reference64 references64[] = {
    {"exp", expl},       {"exp2", exp2l},
    {"expm1", expm1l},   {"log", logl},
    {"log2", log2l},     {"log10", log10l},
    {"log1p", log1pl},   {"tanh", tanhl},
    {"sinh", sinhl},     {"cosh", coshl},
    {"sin", sinl},       {"cos", cosl},
    {"erfinv", nullptr}, {"sigmoid", [](long double x) { return 1 / (1 + expl(-x)); }},
};

double sweep64(const VmathRow& row, const Reference64& reference, size_t count, double* at) {
  std::vector<double> x = {0.0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 5e-324, -5e-324, 1.7e308, -1.7e308}, y;
  uint64_t state = 7;
  auto random = [&] { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 11; };
  for (size_t i = 0; i < count; ++i) {
    uint64_t u = random() << 11 | (random() & 2047);
    double d;
    memcpy(&d, &u, 8);
    double unit = double(random()) * 0x1p-53;
    x.push_back(i % 4 == 0   ? d
                : i % 4 == 1 ? unit * 1500 - 750
                : i % 4 == 2 ? unit * 8 - 4
                             : (unit - 0.5) * 0.01);
  }
  y.resize(x.size());
  row.f64(x.data(), y.data(), x.size());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!reference.f) {  // the inverse: how far erf(y) is from x, in what an ulp of y changes
      if (!(fabs(x[i]) < 1)) continue;
      long double slope = 2 / sqrtl(acosl(-1)) * expl(-(long double)y[i] * y[i]);
      long double error = fabsl(x[i]) < 0.5 ? erfl(y[i]) - x[i] : (1 - fabsl(x[i])) - erfcl(fabsl(y[i]));
      int e;
      frexp(y[i], &e);
      double u = double(fabsl(error / slope) / ldexpl(1, e - 53 < -1074 ? -1074 : e - 53));
      if (u > worst) worst = u, *at = x[i];
      continue;
    }
    long double r = reference.f(x[i]);
    double rounded = double(r), u;
    if (isnan(r) || isnan(y[i]))
      u = isnan(r) && isnan(y[i]) ? 0 : INFINITY;
    else if (isinf(rounded) || isinf(y[i]))
      u = rounded == y[i] || (isinf(y[i]) && fabsl(r) > 1.797693e308L) ? 0 : INFINITY;
    else if (x[i] == 0 && r == 0)
      u = signbit(rounded) == signbit(y[i]) ? 0 : INFINITY;
    else {
      int e;
      frexp(rounded, &e);
      u = double(fabsl(y[i] - r) / ldexpl(1, e - 53 < -1074 ? -1074 : e - 53));
    }
    if (u > worst) worst = u, *at = x[i];
  }
  return worst;
}

double python_remainder(double a, double b) {
  double r = fmod(a, b);
  return r != 0 && (b < 0) != (r < 0) ? double(float(r + b)) : r;
}

void bench(const VmathRow& row) {
  size_t n = 1 << 20;
  std::vector<float> x(n), y(n);
  std::vector<double> xd(n), yd(n);
  for (size_t i = 0; i < n; ++i) xd[i] = x[i] = float(i % 9973) / 9973 * 0.9f + 0.05f;
  double best = 1, best_d = 1;
  for (int k = 0; k < 12; ++k) {
    auto t0 = std::chrono::steady_clock::now();
    row.f32(x.data(), y.data(), n);
    auto t1 = std::chrono::steady_clock::now();
    if (k < 5) row.f64(xd.data(), yd.data(), n);
    auto t2 = std::chrono::steady_clock::now();
    best = fmin(best, std::chrono::duration<double>(t1 - t0).count());
    if (k < 5) best_d = fmin(best_d, std::chrono::duration<double>(t2 - t1).count());
  }
  printf("  %6.0f us (f64 %6.0f)", best * 1e6, best_d * 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t step = 97;
  std::string only;
  bool time = false, failed = false;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i];
    if (a == "--step" && i + 1 < argc)
      step = strtoull(argv[++i], nullptr, 10);
    else if (a == "--only" && i + 1 < argc)
      only = argv[++i];
    else if (a == "--bench")
      time = true;
    else
      return fprintf(stderr, "usage: vmath_sweep [--step N] [--only NAME] [--bench]\n"), 2;
  }
  if (step == 0) step = 1;
  for (int r = 0; levels[0].rows[r].name; ++r) {
    std::string name = levels[0].rows[r].name;
    if (!only.empty() && ("," + only + ",").find("," + name + ",") == std::string::npos) continue;
    const Reference* reference = nullptr;
    for (auto& candidate : references)
      if (name == candidate.name) reference = &candidate;
    if (!reference) return fprintf(stderr, "no reference for %s\n", name.c_str()), 2;
    printf("%-14s", name.c_str());
    if (time) {
      for (auto& level : levels) bench(level.rows[r]);
    } else {
      auto worst = sweep(r, *reference, step);
      for (size_t l = 0; l < levels.size(); ++l) {
        printf("  %s %7.3f ulp at %-14a", levels[l].name.c_str(), worst[l].ulp, from_bits(worst[l].at));
        failed |= worst[l].ulp > reference->limit;
      }
    }
    printf("\n");
    fflush(stdout);
  }
  if (!time)
    for (int r = 0; levels[0].rows[r].name; ++r)
      for (auto& reference : references64) {
        std::string name = reference.name;
        if (name != levels[0].rows[r].name ||
            (!only.empty() && ("," + only + ",").find("," + name + ",") == std::string::npos))
          continue;
        printf("f64 %-10s", reference.name);
        for (auto& level : levels) {
          double at = 0, worst = sweep64(level.rows[r], reference, 400000, &at);
          printf("  %s %7.3f ulp at %-21a", level.name.c_str(), worst, at);
          failed |= worst > 3;
        }
        printf("\n");
      }
  if (!time && only.empty())
    for (auto& level : levels) {
      Worst p = sweep_pairs(level.pow, pow, 2000000),
            m = sweep_pairs(level.remainder, python_remainder, 2000000);
      printf("%s pow %.3f ulp, remainder %.3f ulp\n", level.name.c_str(), p.ulp, m.ulp);
      failed |= p.ulp > 2 || m.ulp > 0.5;
    }
  return failed;
}
