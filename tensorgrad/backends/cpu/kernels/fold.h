// Folding the middle dimension of [outer, length, inner] with an operation given by its identity, the term of
// an element and the join of two terms. The order is a function of the shape alone.
#pragma once
#include "tensorgrad/backends/cpu/kernels/lanes.h"
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/slots_reduce.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// Elements that a set of lanes folds before it joins the tree: bounds the rounding error.
constexpr int64_t kFoldBlock = 2048;

// Op: types In, Acc; Acc identity(), term(compute type of In), join(Acc, Acc). Where Op::vectors, all three
// types are one, float or double, and term and join take vectors of it too.
template <class Op>
TG_INLINE typename Op::Acc fold_step(const Op& op, typename Op::Acc total, typename Op::In x) {
  return op.join(total, typename Op::Acc(op.term(compute_t<typename Op::In>(x))));
}

// Block of lanes by block, pairwise: what a block folds to is a vector, or an array of lanes.
template <class Op>
Vector<typename Op::Acc> fold_vectors(const Op& op, const typename Op::In* in, int64_t n) {
  using T = typename Op::Acc;
  const auto join = [&](auto a, auto b) { return op.join(a, b); };
  if (n <= kFoldBlock)
    return reduce_lanes<T>(n, op.identity(), join, [&](auto at) { return op.term(at(in)); });
  const int64_t half = (n / 2 + kFoldBlock - 1) / kFoldBlock * kFoldBlock;
  return op.join(fold_vectors(op, in, half), fold_vectors(op, in + half, n - half));
}
template <class Op>
typename Op::Acc fold_run(const Op& op, const typename Op::In* in, int64_t n) {
  using Acc = typename Op::Acc;
  if constexpr (Op::vectors) {
    return fold_lanes<Acc>(fold_vectors(op, in, n), [&](auto a, auto b) { return op.join(a, b); });
  } else if (n <= kFoldBlock) {
    constexpr int kLanes = 32;
    Acc lanes[kLanes];
    for (int l = 0; l < kLanes; l++) lanes[l] = op.identity();
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
      for (int l = 0; l < kLanes; l++) lanes[l] = fold_step(op, lanes[l], in[i + l]);
    for (int l = 0; i + l < n; l++) lanes[l] = fold_step(op, lanes[l], in[i + l]);
    for (int width = kLanes / 2; width > 0; width /= 2)
      for (int l = 0; l < width; l++) lanes[l] = op.join(lanes[l], lanes[l + width]);
    return lanes[0];
  } else {
    const int64_t half = (n / 2 + kFoldBlock - 1) / kFoldBlock * kFoldBlock;
    return op.join(fold_run(op, in, half), fold_run(op, in + half, n - half));
  }
}

// Folds rows of `inner` elements into one row, a tile of columns at a time.
template <class Op, class Store>
void fold_rows(const Op& op, const typename Op::In* in, int64_t length, int64_t inner, int64_t begin,
               int64_t end, const Store& store) {
  using Acc = typename Op::Acc;
  constexpr int64_t kTile = 128, kRows = 512;
  for (int64_t c0 = begin; c0 < end; c0 += kTile) {
    const int64_t width = end - c0 < kTile ? end - c0 : kTile;
    Acc total[kTile], part[kTile];
    for (int64_t c = 0; c < kTile; c++) total[c] = op.identity();
    for (int64_t r0 = 0; r0 < length; r0 += kRows) {
      const int64_t r1 = r0 + kRows < length ? r0 + kRows : length;
      for (int64_t c = 0; c < kTile; c++) part[c] = op.identity();
      for (int64_t r = r0; r < r1; r++) {
        const typename Op::In* row = in + r * inner + c0;
        if (width == kTile)
          for (int64_t c = 0; c < kTile; c++) part[c] = fold_step(op, part[c], row[c]);
        else
          for (int64_t c = 0; c < width; c++) part[c] = fold_step(op, part[c], row[c]);
      }
      for (int64_t c = 0; c < kTile; c++) total[c] = op.join(total[c], part[c]);
    }
    for (int64_t c = 0; c < width; c++) store(c0 + c, total[c]);
  }
}

// Calls store(place in the output, result) for every result.
template <class Op, class Store>
void fold_all(const Op& op, const ReduceArgs& args, const Store& store) {
  using Acc = typename Op::Acc;
  const typename Op::In* in = static_cast<const typename Op::In*>(args.in);
  const int64_t length = args.length, inner = args.inner;
  if (inner == 1 && args.outer == 1 && length > 4 * kGrain) {
    constexpr int64_t kPieces = 64;  // of a single long run, whatever the number of threads
    const int64_t piece = (length + kPieces - 1) / kPieces;
    Acc parts[kPieces];
    parallel_for(kPieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t from = i * piece, to = from + piece < length ? from + piece : length;
        parts[i] = from < to ? fold_run(op, in + from, to - from) : op.identity();
      }
    });
    for (int64_t width = kPieces / 2; width > 0; width /= 2)
      for (int64_t i = 0; i < width; i++) parts[i] = op.join(parts[i], parts[i + width]);
    store(0, parts[0]);
  } else if (inner == 1) {
    parallel_for(args.outer, kGrain / (length + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++) store(o, fold_run(op, in + o * length, length));
    });
  } else if (args.outer == 1) {
    parallel_for(inner, (kGrain / (length + 1) / 128 + 1) * 128,
                 [&](int64_t begin, int64_t end) { fold_rows(op, in, length, inner, begin, end, store); });
  } else {
    parallel_for(args.outer, kGrain / (length * inner + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++)
        fold_rows(op, in + o * length * inner, length, inner, 0, inner,
                  [&](int64_t at, Acc value) { store(o * inner + at, value); });
    });
  }
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
