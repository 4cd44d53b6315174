// The caching cpu allocator: 64-byte aligned blocks in size classes, a thread-local list for small ones, a
// shared cache for large ones, so that a result as large as the last one costs no page faults.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tensorgrad {

struct MemoryStats {
  int64_t allocated_bytes;  // held by live storages
  int64_t peak_allocated_bytes;
  int64_t cached_bytes;  // free, kept for the next storage
  int64_t allocations;   // blocks handed out since the start
};

namespace cpu {
// Never null; RuntimeError in PyTorch's words where the system has no memory.
void* allocate(size_t bytes);
void release(void* memory, size_t bytes) noexcept;
void empty_cache() noexcept;
MemoryStats memory_stats();
void reset_peak_memory_stats();
}  // namespace cpu

}  // namespace tensorgrad
