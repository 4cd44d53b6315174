// Attention backward. The weights are computed again, block by block, from the scores and their saved
// log-sums. With P the weights, D = sum(u * out) of each query and dS = P * (u v^T - D):
//   dv = P^T u,   dk = scale * dS^T q,   dq = scale * dS k.
#include "tensorgrad/backends/cpu/kernels/attention_tiles.h"
#include "tensorgrad/backends/slots_attention.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

using namespace attn;

// A stretch of one head's keys: its dk and dv, and its part of dq.
template <class T>
struct Backward {
  static constexpr int64_t lanes = panel_width<T>;
  const AttentionGradArgs& args;
  int64_t begin, count;  // the keys
  Cut keys{count}, dims{args.width};
  // A whole number of half panels, as the products read and write them.
  int64_t wide = ceil_div(args.width, lanes / 2) * (lanes / 2),
          value_wide = ceil_div(args.value_width, lanes / 2) * (lanes / 2);
  T *packed_keys, *packed_values, *keys_by_dim;      // left factors
  T *query, *upstream, *query_rows, *upstream_rows;  // right factors, [width, lanes] and [lanes, width]
  T *scores, *slopes, *mask, *left, *dq, *dk, *dv;

  Backward(const AttentionGradArgs& args, int64_t begin, int64_t count)
      : args(args), begin(begin), count(count) {
    const int64_t block = keys.block() * lanes, widest = greater(wide, value_wide);
    const int64_t sizes[] = {count * args.width,
                             count * args.value_width,
                             count * args.width,
                             args.width * lanes,
                             args.value_width * lanes,
                             lanes * wide,
                             lanes * value_wide,
                             block,
                             block,
                             greater(block, lanes * widest),
                             tile_rows * lanes,
                             args.width * lanes,
                             count * wide,
                             count * value_wide};
    T** pieces[] = {
        &packed_keys, &packed_values, &keys_by_dim, &query, &upstream, &query_rows, &upstream_rows,
        &scores,      &slopes,        &mask,        &left,  &dq,       &dk,         &dv};
    int64_t total = 0;
    for (int64_t size : sizes) total += Memory<T>::piece(size);
    Memory<T> memory(total);
    for (int i = 0; i < 14; i++) *pieces[i] = memory.take(sizes[i]);
  }

  // All queries that share the keys; dq goes to `parts` [heads, queries, width] if there are several
  // stretches.
  void head(int64_t batch, int64_t kv_head, T* parts) {
    const T* k = matrix_of<T>(args.k, batch, kv_head) + begin * args.k.row;
    const T* v = matrix_of<T>(args.v, batch, kv_head) + begin * args.v.row;
    pack_left(packed_keys, k, args.k.row, 1, keys, args.width);
    pack_left(packed_values, v, args.v.row, 1, keys, args.value_width);
    pack_left(keys_by_dim, k, 1, args.k.row, dims, count);
    __builtin_memset(dk, 0, size_t(count * wide) * sizeof(T));
    __builtin_memset(dv, 0, size_t(count * value_wide) * sizeof(T));
    __builtin_memset(query_rows, 0, size_t(lanes * wide) * sizeof(T));
    __builtin_memset(upstream_rows, 0, size_t(lanes * value_wide) * sizeof(T));
    for (int64_t h = kv_head * args.group; h < (kv_head + 1) * args.group; h++) {
      for (int64_t first = 0; first < args.queries; first += lanes) {
        const int n = int(lesser(lanes, args.queries - first));
        with_width<T>(n, [&]<int w>() { this->template panel<w>(batch, h, first, n, parts); });
      }
    }
    write(args.dk, batch, kv_head, dk, wide, args.width);
    write(args.dv, batch, kv_head, dv, value_wide, args.value_width);
  }

 private:
  void write(const HeadMatrix& to, int64_t batch, int64_t kv_head, const T* from, int64_t row,
             int64_t width) {
    T* out = matrix_of<T>(to, batch, kv_head) + begin * to.row;
    for (int64_t i = 0; i < count; i++)
      for (int64_t j = 0; j < width; j++) out[i * to.row + j] = from[i * row + j];
  }

  template <int width>
  void panel(int64_t batch, int64_t h, int64_t first, int n, T* parts) {
    const T* q = matrix_of<T>(args.q, batch, h) + first * args.q.row;
    const T* u = matrix_of<T>(args.u, batch, h) + first * args.u.row;
    const T* o = matrix_of<T>(args.out, batch, h) + first * args.out.row;
    const T* saved = static_cast<const T*>(args.logsumexp) + (batch * args.heads + h) * args.queries + first;
    const T scale = T(args.scale);
    // Lanes without a query have no weights.
    alignas(64) T shift[width], mean[width];
    for (int j = 0; j < width; j++) shift[j] = T(__builtin_inf()), mean[j] = 0;
    for (int j = 0; j < n; j++) {
      shift[j] = saved[j];
      for (int64_t i = 0; i < args.width; i++) query_rows[j * wide + i] = q[j * args.q.row + i] * scale;
      for (int64_t i = 0; i < args.value_width; i++)
        upstream_rows[j * value_wide + i] = u[j * args.u.row + i];
      mean[j] = row_dot(u + j * args.u.row, o + j * args.out.row, args.value_width);
    }
    pack_panel(query, width, n, query_rows, wide, 1, args.width);
    pack_panel(upstream, width, n, upstream_rows, value_wide, 1, args.value_width);
    const int64_t seen = lesser(count, keys_seen(args, first + n) - begin);
    for (int64_t key = 0; key < seen; key += keys.block())
      block<width>(batch, h, first, n, key, lesser(keys.block(), seen - key), shift, mean);
    if (seen > 0) {
      for (int64_t i = 0; i < args.width * width; i++) dq[i] *= scale;
      transpose<width>(mask, dq, args.width);
    } else {
      __builtin_memset(mask, 0, size_t(width * args.width) * sizeof(T));
    }
    T* out = parts ? parts + ((batch * args.heads + h) * args.queries + first) * args.width
                   : matrix_of<T>(args.dq, batch, h) + first * args.dq.row;
    const int64_t row = parts ? args.width : args.dq.row;
    for (int j = 0; j < n; j++)
      for (int64_t i = 0; i < args.width; i++) out[j * row + i] = mask[j * args.width + i];
  }

  template <int width>
  void block(int64_t batch, int64_t h, int64_t first, int n, int64_t key, int64_t length, const T* shift,
             const T* mean) {
    const int64_t begin_panel = key / keys.rows, end_panel = ceil_div(key + length, keys.rows);
    multiply<T>({keys, packed_keys, args.width, begin_panel, end_panel, 0, args.width}, query, width, scores,
                width, width, false);
    hide<width>(args, scores, mask, batch, h, first, n, begin + key, length);
    multiply<T>({keys, packed_values, args.value_width, begin_panel, end_panel, 0, args.value_width},
                upstream, width, slopes, width, width, false);
    for (int64_t k = 0; k < length; k++) {
      T *p = scores + k * width, *d = slopes + k * width;
#pragma GCC ivdep
      for (int j = 0; j < width; j++) {
        const T weight = exp_below(p[j] - shift[j]);
        p[j] = weight;
        d[j] = weight * (d[j] - mean[j]);
      }
    }
    for (int64_t panel = begin_panel; panel < end_panel; panel++) {
      const int64_t at = panel * keys.rows - key;
      const int rows = int(lesser(keys.rows_of(panel), length - at));
      add_rows<width>(scores + at * width, rows, upstream_rows, value_wide, dv + (key + at) * value_wide);
      add_rows<width>(slopes + at * width, rows, query_rows, wide, dk + (key + at) * wide);
    }
    multiply<T>({dims, keys_by_dim, count, 0, dims.panels, key, length}, slopes, width, dq, width, width,
                key > 0);
  }

  // to [rows, row] += weights [rows, width] @ factor [width, row]
  template <int width>
  void add_rows(const T* weights, int rows, const T* factor, int64_t row, T* to) {
    pack_panel(left, rows, rows, weights, width, 1, width);
    const Cut cut(rows);
    for (int64_t column = 0; column < row; column += lanes)
      multiply<T>({cut, left, width, 0, 1, 0, width}, factor + column, row, to + column, row,
                  int(lesser(lanes, row - column)), true);
  }
};

// dq = the sum of the stretches' parts, in order.
template <class T>
void sum_parts(const AttentionGradArgs& args, const T* parts, int64_t stretches) {
  const int64_t heads = args.batch * args.heads, size = heads * args.queries * args.width;
  parallel_for(heads * args.queries, ceil_div(1 << 15, args.width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t head = i / args.queries, query = i % args.queries;
      T* out = matrix_of<T>(args.dq, head / args.heads, head % args.heads) + query * args.dq.row;
      for (int64_t j = 0; j < args.width; j++) {
        T sum = 0;
        for (int64_t s = 0; s < stretches; s++) sum += parts[s * size + i * args.width + j];
        out[j] = sum;
      }
    }
  });
}

// A head's keys are shared out where the heads alone are few: a function of the shape.
template <class T>
void backward(const AttentionGradArgs& args) {
  const int64_t kv_heads = args.heads / args.group, heads = args.batch * kv_heads;
  const int64_t wanted = greater(1, lesser(ceil_div(8, heads), args.keys / 128));
  const int64_t stretch = ceil_div(args.keys, wanted), stretches = ceil_div(args.keys, stretch);
  const int64_t size = args.batch * args.heads * args.queries * args.width;
  T* parts = stretches == 1
                 ? nullptr
                 : static_cast<T*>(thread_scratch(Scratch::accumulate, size_t(stretches * size) * sizeof(T)));
  const int64_t work = args.queries * args.group * stretch * (args.width + args.value_width);
  parallel_for(heads * stretches, ceil_div(1 << 16, work), [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; item++) {
      const int64_t head = item / stretches, part = item % stretches, first = part * stretch;
      Backward<T> backward(args, first, lesser(stretch, args.keys - first));
      backward.head(head / kv_heads, head % kv_heads, parts ? parts + part * size : nullptr);
    }
  });
  if (parts) sum_parts(args, parts, stretches);
}

}  // namespace

void attention_backward(const AttentionGradArgs& args) {
  args.dtype == DType::Float64 ? backward<double>(args) : backward<float>(args);
}

}  // namespace tensorgrad::cpu::TG_ISA
