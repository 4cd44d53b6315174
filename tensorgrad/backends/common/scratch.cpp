#include <cstdlib>
#include <new>

#include "tensorgrad/backends/common/parallel.h"

namespace tensorgrad {
namespace {

// Under the address sanitizer every request gets memory of exactly its size, so that no overrun hides in the
// rest.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t granule = 64;
constexpr bool exact = true;
#else
constexpr size_t granule = 4096;
constexpr bool exact = false;
#endif
constexpr size_t keep_at_most = size_t(16) << 20;

struct Buffers {
  void* data[int(Scratch::count)] = {};
  size_t size[int(Scratch::count)] = {};
  ~Buffers() {
    for (void* p : data) std::free(p);
  }
};

thread_local Buffers buffers;

}  // namespace

void* thread_scratch(Scratch slot, size_t bytes) {
  void*& data = buffers.data[int(slot)];
  size_t& size = buffers.size[int(slot)];
  if (!exact && bytes <= size && (size <= keep_at_most || bytes > size / 2)) return data;
  std::free(data);
  data = nullptr;
  size = 0;
  size_t rounded = (bytes + granule - 1) / granule * granule;
  if (rounded < bytes) throw std::bad_alloc();
  data = std::aligned_alloc(64, rounded);
  if (!data) throw std::bad_alloc();
  size = rounded;
  return data;
}

}  // namespace tensorgrad
