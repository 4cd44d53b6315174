#pragma once
// What both directions of attention share. Scores are computed transposed, a block of keys by a panel of
// queries: then the queries lie in the lanes of a vector, the softmax needs no sums across lanes, and the
// block is as it stands the right factor of the next product. Included by kernel files only.
#include "tensorgrad/backends/common/attention_args.h"
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"
#include "tensorgrad/backends/cpu/kernels/gemm_tile.h"
#include "tensorgrad/backends/cpu/kernels/lanes.h"
#include "tensorgrad/backends/cpu/kernels/vmath.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace attn {

constexpr int64_t panels_per_block = 8;  // of keys: a block of scores stays in the first-level cache

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

template <class T>
T* matrix_of(const HeadMatrix& m, int64_t batch, int64_t head) {
  return static_cast<T*>(m.data) + batch * m.batch + head * m.head;
}

// The rows of a left factor, cut evenly into panels of at most tile_rows.
struct Cut {
  int64_t count, rows, panels;
  explicit Cut(int64_t count) : count(count), rows(ceil_div(count, ceil_div(count, tile_rows))) {
    panels = ceil_div(count, rows);
  }
  int64_t rows_of(int64_t panel) const { return lesser(rows, count - panel * rows); }
  int64_t block() const { return rows * panels_per_block; }
};

// Work memory of one thread, handed out piece by piece; packing may write 64 bytes past the end of a piece.
template <class T>
class Memory {
 public:
  static int64_t piece(int64_t elements) { return (elements + 31) / 16 * 16; }
  explicit Memory(int64_t elements)
      : next_(static_cast<T*>(thread_scratch(Scratch::tile, size_t(elements) * sizeof(T)))) {}
  T* take(int64_t elements) {
    T* here = next_;
    next_ += piece(elements);
    return here;
  }

 private:
  T* next_;
};

// The left factor whose row i has element p at source[i * i_stride + p * p_stride].
template <class T>
void pack_left(T* to, const T* source, int64_t i_stride, int64_t p_stride, const Cut& cut, int64_t depth) {
  for (int64_t panel = 0; panel < cut.panels; panel++) {
    const int rows = int(cut.rows_of(panel));
    pack_panel(to + panel * cut.rows * depth, rows, rows, source + panel * cut.rows * i_stride, i_stride,
               p_stride, depth);
  }
}

// A packed left factor, or some of its panels, over a stretch of its depth.
template <class T>
struct Left {
  const Cut& cut;
  const T* data;
  int64_t depth;                // of the whole factor
  int64_t first = 0, last = 0;  // panels
  int64_t begin = 0, count = 0;
};

// c = or += a @ b; c begins at a's first panel and has at most a panel's columns.
template <class T>
TG_INLINE void multiply(const Left<T>& a, const T* b, int64_t b_row, T* c, int64_t c_row, int columns,
                        bool add) {
  TileArgs<T> args;
  args.k = a.count;
  args.b = b;
  args.b_row = b_row;
  args.c_row = c_row;
  args.columns = columns;
  args.start = add ? Start::matrix : Start::zero;
  args.start_row = c_row;
  const int vectors = columns > panel_width<T> / 2 ? 2 : 1;
  for (int64_t panel = a.first; panel < a.last; panel++) {
    const int rows = int(a.cut.rows_of(panel));
    args.a = a.data + panel * a.cut.rows * a.depth + a.begin * rows;
    args.c = c + (panel - a.first) * a.cut.rows * c_row;
    args.start_data = args.c;
    tile_function(rows, vectors, true, b)(args);
  }
}

TG_INLINE float exp_below(float x) { return vm::exp_negative(x, 0); }
TG_INLINE double exp_below(double x) { return vm::exp(x); }

// scores [keys, width] for keys [key, key + n) and `count` queries from `query` on: adds the mask, and takes
// away what is not to be seen.
template <int width, class T>
void hide(const AttentionArgs& args, T* scores, T* work, int64_t batch, int64_t head, int64_t query,
          int count, int64_t key, int64_t n) {
  if (args.mask.data) {
    const T* mask = matrix_of<T>(args.mask, batch, head) + query * args.mask.row + key * args.mask.column;
    pack_panel(work, width, count, mask, args.mask.row, args.mask.column, n);
#pragma GCC ivdep
    for (int64_t i = 0; i < n * width; i++) scores[i] += work[i];
  }
  if (!args.causal) return;
  for (int64_t k = greater(0, query + 1 - key); k < n; k++)
    for (int j = 0; j < width && query + j < key + k; j++) scores[k * width + j] = -T(__builtin_inf());
}

// How many keys the queries before `end` see.
inline int64_t keys_seen(const AttentionArgs& args, int64_t end) {
  return args.causal ? lesser(args.keys, end) : args.keys;
}

// Rows [width, columns] of a transposed block [columns, width].
template <int width, class T>
void transpose(T* to, const T* from, int64_t columns) {
  pack_panel(to, int(columns), int(columns), from, width, 1, width);
}

// Calls f with the width of a panel that fits so many queries.
template <class T, class F>
TG_INLINE void with_width(int64_t queries, const F& f) {
  constexpr int whole = panel_width<T>;
  if (queries > whole / 2)
    f.template operator()<whole>();
  else
    f.template operator()<whole / 2>();
}

}  // namespace attn
}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
