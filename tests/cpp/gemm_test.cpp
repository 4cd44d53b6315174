// Matrix products at every instruction-set level this machine has, against plain loops. The operands are
// small integers, so that every order of summation is exact and results must be equal.
#include <doctest/doctest.h>

#include <cstring>
#include <initializer_list>
#include <random>
#include <vector>

#include "tensorgrad/backends/common/gemm_args.h"
#include "tensorgrad/backends/common/parallel.h"
#include "tests/cpp/levels.h"

using tensorgrad::GemmArgs;

#define TG_TEST_DECLARE(level, name) \
  namespace tensorgrad::cpu::level { \
  void gemm(const GemmArgs& args);   \
  }
TG_TEST_LEVELS(TG_TEST_DECLARE)

namespace {

struct Level {
  const char* name;
  void (*gemm)(const GemmArgs&);
};

std::vector<Level> levels() {
  std::vector<Level> found;
#define TG_TEST_ADD(level, name) \
  if (TG_TEST_HAS(name)) found.push_back({#level, tensorgrad::cpu::level::gemm});
  TG_TEST_LEVELS(TG_TEST_ADD)
  return found;
}

enum Layout { row_major, column_major, spread };
enum Addend { none, row_bias, column_bias, accumulate, matrix_bias, transposed_bias, addends };

std::mt19937 random_bits(1);

template <class T>
struct Matrix {
  std::vector<T> data;
  int64_t row, column, size;
  Matrix(int64_t rows, int64_t columns, Layout layout, int64_t batch, int64_t extra) {
    row = layout == row_major ? columns + extra : layout == column_major ? 1 : 2 * columns + 3;
    column = layout == row_major ? 1 : layout == column_major ? rows + extra : 2;
    size = rows * columns == 0   ? 0
           : layout == row_major ? rows * row
                                 : (rows - 1) * row + (columns - 1) * column + 1;
    data.resize(size * batch);
    for (T& x : data) x = T(int(random_bits() % 17) - 8) / T(8);
  }
};

template <class T>
bool product_is_right(const Level& level, int64_t m, int64_t n, int64_t k, Layout a_layout, Layout b_layout,
                      Addend addend, int64_t batch = 1, int64_t extra = 0) {
  Matrix<T> a(m, k, a_layout, batch, extra), b(k, n, b_layout, batch, extra);
  Matrix<T> c(m, n, row_major, batch, extra), bias(m, n, row_major, 1, 0);
  if (addend == transposed_bias) bias = Matrix<T>(m, n, column_major, 1, 0);
  std::vector<T> before = c.data;
  GemmArgs args;
  args.m = m, args.n = n, args.k = k, args.batch = batch;
  args.a = a.data.data(), args.a_row = a.row, args.a_col = a.column, args.a_batch = a.size;
  args.b = b.data.data(), args.b_row = b.row, args.b_col = b.column, args.b_batch = b.size;
  args.c = c.data.data(), args.c_row = c.row, args.c_batch = c.size;
  args.accumulate = addend == accumulate;
  if (addend != none && addend != accumulate) args.bias = bias.data.data();
  if (addend != column_bias) args.bias_col = bias.column;
  if (addend != row_bias) args.bias_row = bias.row;
  args.dtype = tensorgrad::dtype_of<T>;
  level.gemm(args);

  for (int64_t q = 0; q < batch; ++q) {
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < c.row && i * c.row + j < c.size; ++j) {
        int64_t at = q * c.size + i * c.row + j;
        T want = before[at];
        if (j < n) {
          if (addend != accumulate)
            want = args.bias ? bias.data[i * args.bias_row + j * args.bias_col] : T(0);
          for (int64_t p = 0; p < k; ++p) {
            want +=
                a.data[q * a.size + i * a.row + p * a.column] * b.data[q * b.size + p * b.row + j * b.column];
          }
        }
        if (c.data[at] != want) return false;
      }
    }
  }
  return true;
}

bool both_types(const Level& level, int64_t m, int64_t n, int64_t k, Layout a, Layout b, Addend addend,
                int64_t batch = 1, int64_t extra = 0) {
  return product_is_right<float>(level, m, n, k, a, b, addend, batch, extra) &&
         product_is_right<double>(level, m, n, k, a, b, addend, batch, extra);
}

}  // namespace

TEST_CASE("gemm: every layout, addend and edge size") {
  const int64_t sizes[] = {1, 2, 3, 5, 8, 13, 14, 15, 16, 17, 31, 32, 33, 64, 65};
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    for (int round = 0; round < 1500; ++round) {
      int64_t m = sizes[random_bits() % 15], n = sizes[random_bits() % 15], k = sizes[random_bits() % 15];
      if (round % 20 == 0) k = 0;
      if (round % 15 == 1) k = 256 + random_bits() % 200;
      Layout a = Layout(random_bits() % 3), b = Layout(random_bits() % 3);
      Addend addend = Addend(random_bits() % addends);
      int64_t batch = random_bits() % 5 ? 1 : 1 + random_bits() % 4;
      int64_t extra = random_bits() % 3 ? 0 : random_bits() % 7;
      INFO("m ", m, " n ", n, " k ", k, " a ", int(a), " b ", int(b), " addend ", int(addend));
      REQUIRE(both_types(level, m, n, k, a, b, addend, batch, extra));
    }
  }
}

TEST_CASE("gemm: the blocked, streamed and vector forms") {
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    for (Layout a : {row_major, column_major}) {
      for (Layout b : {row_major, column_major}) {
        for (Addend addend : {none, row_bias, accumulate}) {
          CHECK(both_types(level, 150, 170, 400, a, b, addend));
          CHECK(both_types(level, 40, 300, 200, a, b, addend));
          CHECK(both_types(level, 300, 40, 200, a, b, addend));
          CHECK(both_types(level, 1, 700, 90, a, b, addend));
          CHECK(both_types(level, 700, 1, 90, a, b, addend));
        }
      }
    }
    CHECK(both_types(level, 2100, 130, 8, row_major, row_major, none));
    CHECK(both_types(level, 3, 20, 17000, column_major, row_major, row_bias));
  }
}

TEST_CASE("gemm: the number of threads does not show in the result") {
  std::vector<float> a(300 * 500), b(500 * 400), one(300 * 400), three(300 * 400);
  for (float& x : a) x = float(random_bits()) / 4e9f - 0.5f;
  for (float& x : b) x = float(random_bits()) / 4e9f - 0.5f;
  GemmArgs args;
  args.m = 300, args.n = 400, args.k = 500;
  args.a = a.data(), args.a_row = 500, args.a_col = 1;
  args.b = b.data(), args.b_row = 400, args.b_col = 1, args.c_row = 400;
  int before = tensorgrad::get_num_threads();
  for (const Level& level : levels()) {
    tensorgrad::set_num_threads(1);
    args.c = one.data();
    level.gemm(args);
    tensorgrad::set_num_threads(3);
    args.c = three.data();
    level.gemm(args);
    CHECK(std::memcmp(one.data(), three.data(), one.size() * sizeof(float)) == 0);
  }
  tensorgrad::set_num_threads(before);
}
