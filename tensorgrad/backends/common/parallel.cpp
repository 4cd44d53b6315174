#include "tensorgrad/backends/common/parallel.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include "tensorgrad/backends/common/cpu_count.h"

namespace tensorgrad {
namespace {

constexpr int max_threads = 256;
constexpr int64_t max_chunks = 256;
constexpr int64_t spin_nanoseconds = 20000;

// Everything here is constant-initialised and never destroyed: sleeping workers may outlive main().
struct alignas(64) Range {
  std::atomic<uint64_t> chunks{0};  // first in the low half, end in the high half
};

constexpr uint32_t open_bit = 1u << 31;     // workers may join the job
constexpr uint32_t waiting_bit = 1u << 30;  // the caller sleeps until the last worker leaves
constexpr uint32_t count_mask = waiting_bit - 1;

struct Pool {
  alignas(64) std::atomic<uint32_t> epoch{0};  // one more for every job; idle workers sleep on it
  std::atomic<uint32_t> sleepers{0};
  alignas(64) std::atomic<uint32_t> state{0};  // open_bit | waiting_bit | workers inside
  std::atomic<uint32_t> joined{0};             // hands out places in `ranges`
  std::atomic<bool> failed{false};
  std::atomic<bool> busy{false};
  std::atomic<int> threads{0};  // 0: not yet asked
  int workers = 0;              // started so far; touched by the holder of `busy` only
  bool atfork_registered = false;

  int64_t n = 0, chunk = 0;
  int limit = 0;
  detail::ChunkFunction function = nullptr;
  const void* context = nullptr;
  std::exception_ptr* error = nullptr;  // the caller's
  Range ranges[max_threads];
};

constinit Pool pool;
constinit thread_local bool inside = false;

void futex_wait(std::atomic<uint32_t>& word, uint32_t seen) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t>& word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// Spins until ready() or until the time is up; true when ready.
template <class Ready>
bool spin(Ready ready) {
  int64_t end = 0;
  for (;;) {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      relax();
    }
    int64_t t = now();
    if (end == 0) end = t + spin_nanoseconds;
    if (t >= end) return false;
  }
}

uint64_t pack_range(uint32_t first, uint32_t end) { return first | uint64_t(end) << 32; }

// The owner takes from the front of its range, thieves from the back, so neighbours in memory stay on one
// core.
bool take(Range& range, bool own, uint32_t& chunk) {
  uint64_t seen = range.chunks.load(std::memory_order_relaxed);
  for (;;) {
    uint32_t first = uint32_t(seen), end = uint32_t(seen >> 32);
    if (first >= end) return false;
    chunk = own ? first : end - 1;
    uint64_t left = own ? pack_range(first + 1, end) : pack_range(first, end - 1);
    if (range.chunks.compare_exchange_weak(seen, left, std::memory_order_relaxed)) return true;
  }
}

void run_one(uint32_t chunk) {
  int64_t begin = int64_t(chunk) * pool.chunk;
  pool.function(pool.context, begin, std::min(pool.n, begin + pool.chunk));
}

void work(int place) {
  bool outer = inside;
  inside = true;
  try {
    for (int i = 0; i < pool.limit; ++i) {
      int victim = (place + i) % pool.limit;
      uint32_t chunk;
      while (!pool.failed.load(std::memory_order_relaxed) && take(pool.ranges[victim], i == 0, chunk)) {
        run_one(chunk);
      }
    }
  } catch (...) {
    if (!pool.failed.exchange(true)) *pool.error = std::current_exception();
  }
  inside = outer;
}

bool join() {
  uint32_t seen = pool.state.load(std::memory_order_relaxed);
  do {
    if (!(seen & open_bit)) return false;
  } while (!pool.state.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire));
  return true;
}

void leave() {
  uint32_t before = pool.state.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & count_mask) == 1 && (before & waiting_bit)) futex_wake(pool.state, 1);
}

void* worker_main(void*) {
  uint32_t seen = pool.epoch.load() - 1;  // the job that started this worker may still be open
  for (;;) {
    auto changed = [&] { return pool.epoch.load(std::memory_order_acquire) != seen; };
    if (!spin(changed)) {
      pool.sleepers.fetch_add(1);
      while (!changed()) futex_wait(pool.epoch, seen);
      pool.sleepers.fetch_sub(1);
    }
    seen = pool.epoch.load(std::memory_order_acquire);
    if (!join()) continue;
    int place = int(pool.joined.fetch_add(1, std::memory_order_relaxed));
    if (place < pool.limit) work(place);
    leave();
  }
  return nullptr;
}

// The child of a fork has the caller's thread alone: it begins with an empty pool.
void after_fork_in_child() {
  pool.epoch = 0;
  pool.sleepers = 0;
  pool.state = 0;
  pool.busy = false;
  pool.workers = 0;
}

void start_workers(int wanted) {
  if (!pool.atfork_registered) {
    pthread_atfork(nullptr, nullptr, after_fork_in_child);
    pool.atfork_registered = true;
  }
  if (pool.workers >= wanted) return;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals belong to the program's own threads
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  while (pool.workers < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, worker_main, nullptr) != 0) break;
    pthread_setname_np(thread, "tensorgrad");
    ++pool.workers;
  }
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void wait_for_workers() {
  uint32_t state = pool.state.fetch_and(~open_bit, std::memory_order_acq_rel) & ~open_bit;
  auto alone = [&] { return ((state = pool.state.load(std::memory_order_acquire)) & count_mask) == 0; };
  if ((state & count_mask) == 0 || spin(alone)) return;
  state = pool.state.fetch_or(waiting_bit, std::memory_order_acq_rel) | waiting_bit;
  while ((state & count_mask) != 0) {
    futex_wait(pool.state, state);
    state = pool.state.load(std::memory_order_acquire);
  }
}

}  // namespace

int get_num_threads() {
  int count = pool.threads.load(std::memory_order_relaxed);
  if (count == 0) {
    count = default_num_threads();
    int none = 0;
    if (!pool.threads.compare_exchange_strong(none, count)) count = none;
  }
  return count;
}

void set_num_threads(int count) { pool.threads.store(std::max(1, count), std::memory_order_relaxed); }

bool in_parallel_region() { return inside; }

void detail::run_chunks(int64_t n, int64_t grain, ChunkFunction function, const void* context) {
  if (n <= 0) return;
  grain = std::max<int64_t>(1, grain);
  int64_t pieces = (n - 1) / grain + 1;
  int64_t chunk = pieces <= max_chunks ? grain : ((pieces - 1) / max_chunks + 1) * grain;
  int64_t chunks = (n - 1) / chunk + 1;

  int limit = int(std::min<int64_t>({chunks, get_num_threads(), max_threads}));
  if (limit <= 1 || inside || pool.busy.exchange(true, std::memory_order_acquire)) {
    for (int64_t begin = 0; begin < n; begin += chunk) function(context, begin, std::min(n, begin + chunk));
    return;
  }

  start_workers(limit - 1);
  limit = std::min(limit, pool.workers + 1);
  pool.n = n;
  pool.chunk = chunk;
  pool.limit = limit;
  pool.function = function;
  pool.context = context;
  std::exception_ptr error;
  pool.error = &error;
  for (int i = 0; i < limit; ++i) {
    pool.ranges[i].chunks.store(pack_range(uint32_t(chunks * i / limit), uint32_t(chunks * (i + 1) / limit)),
                                std::memory_order_relaxed);
  }
  pool.joined.store(1, std::memory_order_relaxed);
  pool.failed.store(false, std::memory_order_relaxed);
  pool.state.store(open_bit, std::memory_order_release);
  pool.epoch.fetch_add(1);
  int asleep = int(pool.sleepers.load());
  int awake = std::max(0, pool.workers - asleep);
  if (asleep > 0 && awake < limit - 1) futex_wake(pool.epoch, limit - 1 - awake);

  work(0);
  wait_for_workers();
  pool.busy.store(false, std::memory_order_release);
  if (error) std::rethrow_exception(error);
}

}  // namespace tensorgrad
