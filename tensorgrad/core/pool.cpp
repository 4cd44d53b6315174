#include <cstdlib>
#include <new>

#include "tensorgrad/core/ref.h"

namespace tensorgrad {
namespace {

constexpr size_t kGranule = 64, kClasses = 16, kKeep = 256;

struct FreeObject {
  FreeObject* next;
};

struct Pool {
  FreeObject* head[kClasses];
  uint32_t kept[kClasses];
  bool closed, guarded;
};
// initial-exec: a direct offset instead of a call; the block is small enough for the reserve that loaded
// libraries share.
[[gnu::tls_model("initial-exec")]] thread_local constinit Pool pool{};

// Gives a thread's lists back when it ends; whatever is released after that goes straight to the heap.
struct PoolGuard {
  void arm() { pool.guarded = true; }
  ~PoolGuard() {
    pool.closed = true;
    for (FreeObject*& head : pool.head)
      while (head) std::free(std::exchange(head, head->next));
  }
};
thread_local PoolGuard guard;

}  // namespace

void* pool_allocate(size_t bytes) {
  const size_t index = (bytes - 1) / kGranule;
  if (index < kClasses && pool.head[index]) [[likely]] {
    pool.kept[index]--;
    FreeObject* object = pool.head[index];
    pool.head[index] = object->next;
    return object;
  }
  const size_t rounded = (index + 1) * kGranule;
  void* memory = std::aligned_alloc(kGranule, rounded);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void pool_release(void* memory, size_t bytes) noexcept {
  const size_t index = (bytes - 1) / kGranule;
  if (index >= kClasses || pool.kept[index] >= kKeep || pool.closed) [[unlikely]] {
    std::free(memory);
    return;
  }
  if (!pool.guarded) [[unlikely]]
    guard.arm();
  FreeObject* object = static_cast<FreeObject*>(memory);
  object->next = pool.head[index];
  pool.head[index] = object;
  pool.kept[index]++;
}

}  // namespace tensorgrad
