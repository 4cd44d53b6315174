#include "tensorgrad/storage/allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "tensorgrad/core/check.h"
#include "tensorgrad/core/ref.h"

namespace tensorgrad::cpu {
namespace {

constexpr size_t kSmall = 1024;                 // below: the thread-local pool
constexpr size_t kHuge = size_t(2) << 20;       // from here on: huge pages
constexpr size_t kCacheCap = size_t(1) << 30;   // bytes the shared cache may hold
constexpr size_t kThreadKeep = 8;               // blocks per class in a thread's own cache
constexpr size_t kThreadCap = size_t(1) << 20;  // the largest block a thread keeps to itself
constexpr int kClassCount = 4 * 64;

// Four classes per power of two: at most a quarter of a block is unused.
size_t size_class(size_t bytes) {
  const int power = std::bit_width(bytes - 1);
  const size_t step = size_t(1) << (power - 3);
  return size_t(power) * 4 + (bytes - 1 - (size_t(1) << (power - 1))) / step;
}
size_t class_bytes(size_t index) {
  const size_t power = index / 4;
  return (size_t(1) << (power - 1)) + (index % 4 + 1) * (size_t(1) << (power - 3));
}

struct Counters {
  std::atomic<int64_t> allocated{0}, peak{0}, cached{0}, allocations{0};
};
constinit Counters counters;

struct SharedCache {
  std::mutex mutex;
  std::vector<void*> blocks[kClassCount];
};
SharedCache& shared_cache() {
  static SharedCache* cache = new SharedCache;  // outlives every static tensor
  return *cache;
}

struct ThreadCache {
  void* blocks[kClassCount][kThreadKeep];
  uint8_t count[kClassCount];
};
// Null before the thread's first large block and after its end.
[[gnu::tls_model("initial-exec")]] thread_local constinit ThreadCache* local = nullptr;
[[gnu::tls_model("initial-exec")]] thread_local constinit bool closed = false;

void flush_local() noexcept {
  if (!local) return;
  SharedCache& cache = shared_cache();
  std::lock_guard lock(cache.mutex);
  for (int i = 0; i < kClassCount; i++)
    while (local->count[i] > 0) cache.blocks[i].push_back(local->blocks[i][--local->count[i]]);
}
struct ThreadCacheGuard {
  void open() { local = new ThreadCache{}; }
  ~ThreadCacheGuard() {
    closed = true;
    flush_local();
    delete std::exchange(local, nullptr);
  }
};
thread_local ThreadCacheGuard guard;

void* from_system(size_t bytes) {
  void* memory = nullptr;
  const bool huge = bytes >= kHuge;
  if (huge) bytes = (bytes + kHuge - 1) / kHuge * kHuge;
  if (posix_memalign(&memory, huge ? kHuge : 64, bytes) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
  if (huge) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void count_allocation(int64_t bytes) {
  const int64_t now = counters.allocated.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (now > counters.peak.load(std::memory_order_relaxed))
    counters.peak.store(now, std::memory_order_relaxed);
  counters.allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void* allocate(size_t bytes) {
  if (bytes <= kSmall) return pool_allocate(std::max<size_t>(bytes, 1));
  TG_CHECK(bytes < (size_t(1) << 48), Runtime,
           "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't "
           "allocate memory: you tried to allocate ",
           bytes, " bytes. Error code 12 (Cannot allocate memory)");
  const size_t index = size_class(bytes), rounded = class_bytes(index);
  void* memory = nullptr;
  if (local && local->count[index] > 0) {
    memory = local->blocks[index][--local->count[index]];
    counters.cached.fetch_sub(int64_t(rounded), std::memory_order_relaxed);
  } else {
    SharedCache& cache = shared_cache();
    std::lock_guard lock(cache.mutex);
    if (auto& blocks = cache.blocks[index]; !blocks.empty()) {
      memory = blocks.back();
      blocks.pop_back();
      counters.cached.fetch_sub(int64_t(rounded), std::memory_order_relaxed);
    }
  }
  if (!memory) {
    memory = from_system(rounded);
    if (!memory) {
      empty_cache();
      memory = from_system(rounded);
    }
    TG_CHECK(memory, Runtime,
             "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
             "you tried to allocate ",
             bytes, " bytes. Error code ", ENOMEM, " (", std::strerror(ENOMEM), ")");
  }
  count_allocation(int64_t(rounded));
  return memory;
}

void release(void* memory, size_t bytes) noexcept {
  if (bytes <= kSmall) return pool_release(memory, std::max<size_t>(bytes, 1));
  const size_t index = size_class(bytes), rounded = class_bytes(index);
  counters.allocated.fetch_sub(int64_t(rounded), std::memory_order_relaxed);
  if (counters.cached.load(std::memory_order_relaxed) + int64_t(rounded) > int64_t(kCacheCap)) {
    std::free(memory);
    return;
  }
  counters.cached.fetch_add(int64_t(rounded), std::memory_order_relaxed);
  if (rounded <= kThreadCap && !closed) {
    if (!local) guard.open();
    if (local->count[index] < kThreadKeep) {
      local->blocks[index][local->count[index]++] = memory;
      return;
    }
  }
  SharedCache& cache = shared_cache();
  std::lock_guard lock(cache.mutex);
  cache.blocks[index].push_back(memory);
}

void empty_cache() noexcept {
  flush_local();
  SharedCache& cache = shared_cache();
  std::lock_guard lock(cache.mutex);
  for (size_t i = 0; i < kClassCount; i++) {
    for (void* memory : cache.blocks[i]) {
      std::free(memory);
      counters.cached.fetch_sub(int64_t(class_bytes(i)), std::memory_order_relaxed);
    }
    cache.blocks[i].clear();
  }
}

MemoryStats memory_stats() {
  return {counters.allocated, counters.peak, counters.cached, counters.allocations};
}
void reset_peak_memory_stats() { counters.peak = counters.allocated.load(); }

}  // namespace tensorgrad::cpu
