#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/cpu/kernels/gemm_problem.h"
#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// A column of a packed panel pair lives in the second-level cache for this many steps of k.
constexpr int64_t k_block = 384;
constexpr int64_t outer_block = 2048;
constexpr size_t packed_bytes = size_t(8) << 20;
constexpr int64_t stream_rows = 8 * tile_rows;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

// k cut into equal steps of at most k_block.
int64_t k_step(int64_t k) { return ceil_div(k, ceil_div(k, k_block)); }

template <class T>
struct Panels {
  static constexpr int width = panel_width<T>;
  int64_t m, n;
  int64_t rows;  // of a packed panel of a: m cut evenly, so that no short panel is left over
  int64_t row_panels, column_panels;

  Panels(int64_t m, int64_t n) : m(m), n(n) {
    rows = ceil_div(m, ceil_div(m, tile_rows));
    row_panels = ceil_div(m, rows);
    column_panels = ceil_div(n, width);
  }
  int64_t rows_of(int64_t panel) const { return lesser(rows, m - panel * rows); }
  int64_t columns_of(int64_t panel) const { return lesser(width, n - panel * width); }
};

template <class T>
T* scratch(Scratch slot, int64_t elements) {
  return static_cast<T*>(thread_scratch(slot, size_t(elements) * sizeof(T) + 64));
}

template <class T>
void run_tile(const Problem<T>& problem, const Panels<T>& panels, int64_t row_panel, int64_t column_panel,
              int64_t p, int64_t k, const T* packed_a, const T* b, int64_t b_row) {
  int64_t i = row_panel * panels.rows, j = column_panel * panels.width;
  TileArgs<T> args;
  args.k = k;
  args.a = packed_a ? packed_a : problem.a + i * problem.a_row + p * problem.a_col;
  args.a_row = problem.a_row;
  args.a_col = problem.a_col;
  args.b = b;
  args.b_row = b_row;
  args.c = problem.c + i * problem.c_row + j;
  args.c_row = problem.c_row;
  args.columns = int(panels.columns_of(column_panel));
  if (p > 0) {
    args.start = Start::matrix;
    args.start_data = args.c;
    args.start_row = args.c_row;
  } else {
    args.start = problem.start;
    args.start_data = problem.start_data;
    args.start_row = problem.start_row;
    if (problem.start != Start::zero) args.start_data += i * problem.start_row;
    if (problem.start == Start::matrix) args.start_data += j;
  }
  int vectors = args.columns > panels.width / 2 ? 2 : 1;
  tile_function(int(panels.rows_of(row_panel)), vectors, packed_a != nullptr, args.a)(args);
}

// The first `panels.m` rows of a from column p on, panel after panel.
template <class T>
void pack_a_panel(const Problem<T>& problem, const Panels<T>& panels, int64_t panel, int64_t p, int64_t k,
                  T* to) {
  int rows = int(panels.rows_of(panel));
  pack_panel(to, rows, rows, problem.a + panel * panels.rows * problem.a_row + p * problem.a_col,
             problem.a_row, problem.a_col, k);
}

// A panel of at most half the width is packed as half a panel.
template <class T>
int64_t pack_b_panel(const Problem<T>& problem, const Panels<T>& panels, int64_t panel, int64_t p, int64_t k,
                     T* to) {
  int columns = int(panels.columns_of(panel));
  int width = columns > panels.width / 2 ? panels.width : panels.width / 2;
  pack_panel(to, width, columns, problem.b + p * problem.b_row + panel * panels.width * problem.b_col,
             problem.b_col, problem.b_row, k);
  return width;
}

// Few rows: all of a is packed once, then every panel of b is packed where it is used, or read in place when
// it is used once or twice.
template <class T>
void stream_b(const Problem<T>& problem) {
  Panels<T> panels(problem.m, problem.n);
  int64_t k = problem.k, step = k_step(k);
  T* packed_a = scratch<T>(Scratch::pack_a, problem.m * k);
  for (int64_t p = 0; p < k; p += step) {
    int64_t here = lesser(step, k - p);
    for (int64_t i = 0; i < panels.row_panels; ++i) {
      pack_a_panel(problem, panels, i, p, here, packed_a + p * problem.m + i * panels.rows * here);
    }
  }
  int64_t work = problem.m * k * panels.width;
  parallel_for(panels.column_panels, ceil_div(chunk_work, work), [&](int64_t begin, int64_t end) {
    T* packed_b = nullptr;
    for (int64_t j = begin; j < end; ++j) {
      bool in_place = problem.b_col == 1 && panels.row_panels <= 2 && panels.columns_of(j) == panels.width;
      if (!in_place && !packed_b) packed_b = scratch<T>(Scratch::tile, step * panels.width);
      for (int64_t p = 0; p < k; p += step) {
        int64_t here = lesser(step, k - p);
        const T* b = problem.b + p * problem.b_row + j * panels.width;
        int64_t b_row = problem.b_row;
        if (!in_place) {
          b_row = pack_b_panel(problem, panels, j, p, here, packed_b);
          b = packed_b;
        }
        for (int64_t i = 0; i < panels.row_panels; ++i) {
          const T* a = packed_a + p * problem.m + i * panels.rows * here;
          run_tile(problem, panels, i, j, p, here, a, b, b_row);
        }
      }
    }
  });
}

// Few columns: the same with the roles exchanged. Rows of a in memory order are read in place; but not
// several times where all of them would meet in the same few lines of the nearest cache.
template <class T>
void stream_a(const Problem<T>& problem) {
  Panels<T> panels(problem.m, problem.n);
  int64_t k = problem.k, step = k_step(k);
  int64_t panel_size = step * panels.width;
  T* packed_b = scratch<T>(Scratch::pack_b, ceil_div(k, step) * panels.column_panels * panel_size);
  for (int64_t p = 0, block = 0; p < k; p += step, ++block) {
    for (int64_t j = 0; j < panels.column_panels; ++j) {
      pack_b_panel(problem, panels, j, p, lesser(step, k - p),
                   packed_b + (block * panels.column_panels + j) * panel_size);
    }
  }
  int64_t work = problem.n * k * panels.rows;
  bool meet = problem.a_row * int64_t(sizeof(T)) % 4096 == 0;
  bool in_place = problem.a_col == 1 && (!meet || panels.column_panels == 1);
  parallel_for(panels.row_panels, ceil_div(chunk_work, work), [&](int64_t begin, int64_t end) {
    T* packed_a = in_place ? nullptr : scratch<T>(Scratch::tile, step * panels.rows);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t p = 0, block = 0; p < k; p += step, ++block) {
        int64_t here = lesser(step, k - p);
        if (packed_a) pack_a_panel(problem, panels, i, p, here, packed_a);
        for (int64_t j = 0; j < panels.column_panels; ++j) {
          const T* b = packed_b + (block * panels.column_panels + j) * panel_size;
          int64_t b_row = panels.columns_of(j) > panels.width / 2 ? panels.width : panels.width / 2;
          run_tile(problem, panels, i, j, p, here, packed_a, b, b_row);
        }
      }
    }
  });
}

// Both operands are packed first, then c is cut into a grid of blocks.
template <class T>
void blocked(const Problem<T>& problem, int64_t k_begin, int64_t k_end, int64_t step) {
  Panels<T> panels(problem.m, problem.n);
  int64_t steps = ceil_div(k_end - k_begin, step);
  int64_t a_size = step * panels.rows + 16,
          b_size = step * panels.width;  // packing may write past a panel of a
  T* packed_a = scratch<T>(Scratch::pack_a, steps * panels.row_panels * a_size);
  T* packed_b = scratch<T>(Scratch::pack_b, steps * panels.column_panels * b_size);

  int64_t items = panels.row_panels + panels.column_panels;
  int64_t item_work = greater(1, (k_end - k_begin) * panels.width);
  parallel_for(items, ceil_div(1 << 14, item_work), [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      for (int64_t s = 0; s < steps; ++s) {
        int64_t p = k_begin + s * step, here = lesser(step, k_end - p);
        if (item < panels.row_panels) {
          pack_a_panel(problem, panels, item, p, here, packed_a + (item * steps + s) * a_size);
        } else {
          int64_t j = item - panels.row_panels;
          pack_b_panel(problem, panels, j, p, here, packed_b + (j * steps + s) * b_size);
        }
      }
    }
  });

  int64_t total = problem.m * problem.n * (k_end - k_begin);
  // Small products are cut finer: no thread should wait long for the last block.
  int64_t wanted = greater(1, lesser(64, total / chunk_work * 2));
  int64_t row_blocks = ceil_div(panels.row_panels, total < 128 * chunk_work ? 4 : 8);
  int64_t column_blocks = lesser(panels.column_panels, ceil_div(wanted, row_blocks));
  int64_t block_rows = ceil_div(panels.row_panels, row_blocks);
  int64_t block_columns = ceil_div(panels.column_panels, column_blocks);
  row_blocks = ceil_div(panels.row_panels, block_rows);
  column_blocks = ceil_div(panels.column_panels, block_columns);
  int64_t grain = wanted > 1 ? 1 : row_blocks * column_blocks;
  parallel_for(row_blocks * column_blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      int64_t i_begin = block / column_blocks * block_rows, j_begin = block % column_blocks * block_columns;
      int64_t i_end = lesser(panels.row_panels, i_begin + block_rows);
      int64_t j_end = lesser(panels.column_panels, j_begin + block_columns);
      for (int64_t s = 0; s < steps; ++s) {
        int64_t p = k_begin + s * step, here = lesser(step, k_end - p);
        for (int64_t j = j_begin; j < j_end; ++j) {
          const T* b = packed_b + (j * steps + s) * b_size;
          int64_t b_row = panels.columns_of(j) > panels.width / 2 ? panels.width : panels.width / 2;
          for (int64_t i = i_begin; i < i_end; ++i) {
            run_tile(problem, panels, i, j, p, here, packed_a + (i * steps + s) * a_size, b, b_row);
          }
        }
      }
    }
  });
}

template <class T>
Problem<T> part(const Problem<T>& whole, int64_t i, int64_t m, int64_t j, int64_t n) {
  Problem<T> problem = whole;
  problem.m = m;
  problem.n = n;
  problem.a += i * whole.a_row;
  problem.b += j * whole.b_col;
  problem.c += i * whole.c_row + j;
  if (whole.start != Start::zero) problem.start_data += i * whole.start_row;
  if (whole.start == Start::matrix) problem.start_data += j;
  return problem;
}

template <class T>
void packed(const Problem<T>& problem) {
  // A very long k would need as much work memory as the operand itself: it is done in pieces of bounded size.
  constexpr int64_t longest = int64_t(1) << 14;
  if (problem.m <= stream_rows || problem.n <= 128) {
    Problem<T> piece = problem;
    for (int64_t p = 0; p < problem.k; p += longest) {
      piece.k = lesser(longest, problem.k - p);
      if (piece.m <= stream_rows) {
        stream_b(piece);
      } else {
        stream_a(piece);
      }
      piece.a += longest * problem.a_col;
      piece.b += longest * problem.b_row;
      piece.start = Start::matrix;
      piece.start_data = problem.c;
      piece.start_row = problem.c_row;
    }
    return;
  }
  for (int64_t i = 0; i < problem.m; i += outer_block) {
    for (int64_t j = 0; j < problem.n; j += outer_block) {
      Problem<T> block =
          part(problem, i, lesser(outer_block, problem.m - i), j, lesser(outer_block, problem.n - j));
      int64_t step = k_step(problem.k);
      int64_t fits = int64_t(packed_bytes / sizeof(T)) / (block.m + block.n) / step;
      int64_t group = greater(1, fits) * step;
      for (int64_t p = 0; p < problem.k; p += group) blocked(block, p, lesser(problem.k, p + group), step);
    }
  }
}

template <class T>
void fill_start(const Problem<T>& problem) {
  for (int64_t i = 0; i < problem.m; ++i) {
    const T* start = problem.start_data + (problem.start == Start::zero ? 0 : i * problem.start_row);
    for (int64_t j = 0; j < problem.n; ++j) {
      T value = problem.start == Start::zero ? T(0) : problem.start == Start::matrix ? start[j] : start[0];
      problem.c[i * problem.c_row + j] = value;
    }
  }
}

template <class T>
void multiply_whole(const Problem<T>& problem) {
  int64_t m = problem.m, k = problem.k;
  bool dots = problem.a_col == 1 && problem.b_row == 1;
  if (m == 1 && (problem.b_row == 1 || problem.b_col == 1)) return gemm_vector(problem);
  if (k == 1 && problem.b_col == 1) return gemm_outer(problem);
  if (dots && m <= 48 && k >= 256) return gemm_dots(problem);
  packed(problem);
}

// Few elements of c, each a long sum: a grid over c leaves threads idle, so k is cut too. The pieces are a
// function of the shape alone and are added in order.
constexpr int64_t shortest_piece = 512, most_pieces = 8, piece_work = chunk_work / 4;

template <class T>
int64_t pieces_of_k(const Problem<T>& problem) {
  if (problem.m > 64 || problem.n > 64) return 1;
  return lesser(most_pieces,
                lesser(problem.k / shortest_piece, problem.m * problem.n * problem.k / piece_work));
}

template <class T>
void cut_k(const Problem<T>& problem, int64_t pieces) {
  const int64_t size = problem.m * problem.n, step = ceil_div(problem.k, pieces);
  T* sums = scratch<T>(Scratch::accumulate, pieces * size);
  parallel_for(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t p = i * step;
      Problem<T> piece = problem;
      piece.k = lesser(step, problem.k - p);
      piece.a += p * problem.a_col;
      piece.b += p * problem.b_row;
      piece.c = sums + i * size;
      piece.c_row = problem.n;
      if (i > 0) piece.start = Start::zero;
      multiply_whole(piece);
    }
  });
  for (int64_t i = 0; i < problem.m; ++i) {
    T* c = problem.c + i * problem.c_row;
    const T* first = sums + i * problem.n;
    for (int64_t j = 0; j < problem.n; ++j) {
      T sum = first[j];
      for (int64_t piece = 1; piece < pieces; ++piece) sum += first[piece * size + j];
      c[j] = sum;
    }
  }
}

template <class T>
void multiply(const Problem<T>& problem) {
  int64_t m = problem.m, n = problem.n, k = problem.k;
  if (k == 0) return fill_start(problem);
  if (m * n <= 1024 && m * n * k <= 512) return gemm_tiny(problem);
  const int64_t pieces = pieces_of_k(problem);
  pieces > 1 ? cut_k(problem, pieces) : multiply_whole(problem);
}

// c^T = b^T a^T
template <class T>
void transpose_sides(GemmArgs& args) {
  auto exchange = [](auto& x, auto& y) {
    auto z = x;
    x = y;
    y = z;
  };
  exchange(args.m, args.n);
  exchange(args.a, args.b);
  exchange(args.a_row, args.b_col);
  exchange(args.a_col, args.b_row);
  exchange(args.c_row, args.c_col);
  exchange(args.bias_row, args.bias_col);
  exchange(args.a_batch, args.b_batch);
}

template <class T>
void one_of_batch(const GemmArgs& args, int64_t index) {
  Problem<T> problem;
  problem.m = args.m;
  problem.n = args.n;
  problem.k = args.k;
  problem.a = static_cast<const T*>(args.a) + index * args.a_batch;
  problem.a_row = args.a_row;
  problem.a_col = args.a_col;
  problem.b = static_cast<const T*>(args.b) + index * args.b_batch;
  problem.b_row = args.b_row;
  problem.b_col = args.b_col;
  problem.c = static_cast<T*>(args.c) + index * args.c_batch;
  problem.c_row = args.c_row;
  problem.start = Start::zero;
  problem.start_data = nullptr;
  problem.start_row = 0;
  if (args.accumulate) {
    problem.start = Start::matrix;
    problem.start_data = problem.c;
    problem.start_row = problem.c_row;
  } else if (args.bias) {
    const T* bias = static_cast<const T*>(args.bias) + index * args.bias_batch;
    problem.start_data = bias;
    problem.start_row = args.bias_row;
    if (args.bias_col == 0) {
      problem.start = Start::column;
    } else if (args.bias_col == 1) {
      problem.start = Start::matrix;
    } else {
      for (int64_t i = 0; i < args.m; ++i) {
        for (int64_t j = 0; j < args.n; ++j) {
          problem.c[i * args.c_row + j] = bias[i * args.bias_row + j * args.bias_col];
        }
      }
      problem.start = Start::matrix;
      problem.start_data = problem.c;
      problem.start_row = problem.c_row;
    }
  }
  multiply(problem);
}

template <class T>
void gemm_typed(const GemmArgs& given) {
  if (given.m == 0 || given.n == 0) return;
  GemmArgs args = given;
  if (args.c_col != 1 || (args.n == 1 && args.m > 1 && args.c_row == 1)) transpose_sides<T>(args);
  if (args.batch == 1) return one_of_batch<T>(args, 0);
  int64_t work = greater(1, args.m * args.n * args.k);
  int64_t grain = work >= 16 * chunk_work && args.batch < 16 ? args.batch : ceil_div(chunk_work, work);
  parallel_for(args.batch, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one_of_batch<T>(args, i);
  });
}

}  // namespace

void gemm(const GemmArgs& args) {
  switch (args.dtype) {
    case DType::Float32: return gemm_typed<float>(args);
    case DType::Float64: return gemm_typed<double>(args);
    case DType::Float16:
    case DType::BFloat16: return gemm_reduced(args);
    default: return portable::gemm(args);
  }
}

}  // namespace tensorgrad::cpu::TG_ISA
