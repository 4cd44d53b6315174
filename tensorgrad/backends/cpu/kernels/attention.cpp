// Attention forward: a panel of queries goes over the keys block by block, keeping for each query the
// greatest score so far, the sum of the weights and the weighted sum of the values. The queries-by-keys
// matrix is never in memory.
#include "tensorgrad/backends/cpu/kernels/attention_tiles.h"
#include "tensorgrad/backends/slots_attention.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

using namespace attn;

template <class T>
struct Forward {
  const AttentionArgs& args;
  Cut keys{args.keys}, values{args.value_width};
  // Work memory: the head's keys and values as left factors, then what a panel of queries needs.
  T *packed_keys, *packed_values, *query, *scores, *mask, *sums;

  explicit Forward(const AttentionArgs& args) : args(args) {
    constexpr int64_t width = panel_width<T>;
    const int64_t sizes[] = {args.keys * args.width,
                             args.keys * args.value_width,
                             args.width * width,
                             keys.block() * width,
                             greater(keys.block(), args.value_width) * width,
                             args.value_width * width};
    int64_t total = 0;
    for (int64_t size : sizes) total += Memory<T>::piece(size);
    Memory<T> memory(total);
    T** pieces[] = {&packed_keys, &packed_values, &query, &scores, &mask, &sums};
    for (int i = 0; i < 6; i++) *pieces[i] = memory.take(sizes[i]);
  }

  void pack(int64_t batch, int64_t head) {
    pack_left(packed_keys, matrix_of<T>(args.k, batch, head), args.k.row, 1, keys, args.width);
    pack_left(packed_values, matrix_of<T>(args.v, batch, head), 1, args.v.row, values, args.keys);
  }

  template <int width>
  void panel(int64_t batch, int64_t head, int64_t first, int count) {
    pack_panel(query, width, count, matrix_of<T>(args.q, batch, head) + first * args.q.row, args.q.row, 1,
               args.width);
    const T scale = T(args.scale);
    for (int64_t i = 0; i < args.width * width; i++) query[i] *= scale;
    alignas(64) T top[width], sum[width];
    for (int j = 0; j < width; j++) top[j] = -T(__builtin_inf()), sum[j] = 0;
    const int64_t seen = keys_seen(args, first + count);
    for (int64_t key = 0; key < seen; key += keys.block()) {
      const int64_t n = lesser(keys.block(), seen - key);
      multiply<T>(
          {keys, packed_keys, args.width, key / keys.rows, ceil_div(key + n, keys.rows), 0, args.width},
          query, width, scores, width, width, false);
      hide<width>(args, scores, mask, batch, head, first, count, key, n);
      weigh<width>(n, top, sum, key > 0);
      multiply<T>({values, packed_values, args.keys, 0, values.panels, key, n}, scores, width, sums, width,
                  width, key > 0);
    }
    finish<width>(batch, head, first, count, top, sum);
  }

  // Scores become weights e^(score - top), with the top of all blocks so far; what was summed with an earlier
  // top is scaled down.
  template <int width>
  void weigh(int64_t n, T* top, T* sum, bool again) {
    alignas(64) T higher[width], shift[width], total[width];
    for (int j = 0; j < width; j++) higher[j] = top[j], total[j] = 0;
    for (int64_t k = 0; k < n; k++)
      for (int j = 0; j < width; j++)
        higher[j] = scores[k * width + j] > higher[j] ? scores[k * width + j] : higher[j];
    for (int j = 0; j < width; j++) shift[j] = higher[j] == -T(__builtin_inf()) ? T(0) : higher[j];
    for (int64_t k = 0; k < n; k++) {
      T* row = scores + k * width;
#pragma GCC ivdep
      for (int j = 0; j < width; j++) {
        const T e = exp_below(row[j] - shift[j]);
        row[j] = e;
        total[j] += e;
      }
    }
    if (again) {
      alignas(64) T faded[width];
      for (int j = 0; j < width; j++) faded[j] = exp_below(top[j] - shift[j]);
      for (int j = 0; j < width; j++) sum[j] = sum[j] * faded[j];
      for (int64_t i = 0; i < args.value_width; i++)
        for (int j = 0; j < width; j++) sums[i * width + j] *= faded[j];
    }
    for (int j = 0; j < width; j++) sum[j] += total[j], top[j] = higher[j];
  }

  template <int width>
  void finish(int64_t batch, int64_t head, int64_t first, int count, const T* top, const T* sum) {
    alignas(64) T share[width];
    for (int j = 0; j < width; j++) share[j] = sum[j] == 0 ? T(0) : T(1) / sum[j];
    for (int64_t i = 0; i < args.value_width; i++)
      for (int j = 0; j < width; j++) sums[i * width + j] *= share[j];
    transpose<width>(mask, sums, args.value_width);
    T* out = matrix_of<T>(args.out, batch, head) + first * args.out.row;
    for (int j = 0; j < count; j++)
      for (int64_t i = 0; i < args.value_width; i++)
        out[j * args.out.row + i] = mask[j * args.value_width + i];
    T* logsumexp = static_cast<T*>(args.logsumexp) + (batch * args.heads + head) * args.queries + first;
    for (int j = 0; j < count; j++)
      logsumexp[j] = sum[j] == 0 ? T(__builtin_inf()) : top[j] + vm::log(sum[j]);
  }
};

// A head's queries are shared out where the heads alone are few: a function of the shape.
template <class T>
void forward(const AttentionArgs& args) {
  constexpr int64_t width = panel_width<T>;
  const int64_t heads = args.batch * args.heads;
  const int64_t parts = greater(1, lesser(ceil_div(16, heads), args.queries / (4 * width)));
  const int64_t stretch = ceil_div(ceil_div(args.queries, parts), width) * width;
  const int64_t work = lesser(stretch, args.queries) * args.keys * (args.width + args.value_width);
  parallel_for(heads * parts, ceil_div(1 << 17, work), [&](int64_t begin, int64_t end) {
    Forward<T> forward(args);
    int64_t packed = -1;
    for (int64_t item = begin; item < end; item++) {
      const int64_t batch = item / parts / args.heads, head = item / parts % args.heads;
      const int64_t source = batch * args.heads + head / args.group;
      const int64_t first = item % parts * stretch, last = lesser(args.queries, first + stretch);
      if (first >= last) continue;
      if (source != packed) forward.pack(batch, head / args.group);
      packed = source;
      for (int64_t query = first; query < last; query += width) {
        const int count = int(lesser(width, last - query));
        with_width<T>(count, [&]<int w>() { forward.template panel<w>(batch, head, query, count); });
      }
    }
  });
}

}  // namespace

void attention(const AttentionArgs& args) {
  args.dtype == DType::Float64 ? forward<double>(args) : forward<float>(args);
}

}  // namespace tensorgrad::cpu::TG_ISA
