#pragma once
// The thread pool. Work is cut into chunks that are a function of `n` and `grain` alone, so that no result
// can depend on the number of threads; which thread runs a chunk is left open. Kernel files of every
// instruction set include this header, so it holds no library code and nothing that could be emitted as a
// shared symbol.
#include <stddef.h>
#include <stdint.h>

namespace tensorgrad {

// The number of threads that work on one job, the caller included; at first what the machine gives this
// process: TENSORGRAD_NUM_THREADS or OMP_NUM_THREADS, else the cpu quota or the affinity mask, whichever is
// less.
int get_num_threads();
void set_num_threads(int count);
bool in_parallel_region();

namespace detail {

using ChunkFunction = void (*)(const void* context, int64_t begin, int64_t end);
void run_chunks(int64_t n, int64_t grain, ChunkFunction function, const void* context);

}  // namespace detail

// Calls f(begin, end) over [0, n) in chunks of `grain` (of a multiple of it when there would be more than
// 256), and returns when all have run. One chunk, a nested call, and a second caller while the pool is busy
// run on the calling thread. The first exception from f stops the hand-out of chunks and is thrown again
// here.
template <class F>
[[gnu::always_inline]] inline void parallel_for(int64_t n, int64_t grain, const F& f) {
  detail::ChunkFunction chunk = [](const void* context, int64_t begin, int64_t end) {
    (*static_cast<const F*>(context))(begin, end);
  };
  if (n <= grain) {
    if (n > 0) chunk(&f, 0, n);
  } else {
    detail::run_chunks(n, grain, chunk, &f);
  }
}

// Work memory of the calling thread: at least `bytes`, 64-byte aligned, contents undefined, valid until this
// thread asks for the same slot again. It grows and is kept; a request for more than 16 MiB shrinks again at
// the next smaller one. Throws std::bad_alloc.
enum class Scratch { pack_a, pack_b, tile, accumulate, convert, count };
void* thread_scratch(Scratch slot, size_t bytes);

}  // namespace tensorgrad
