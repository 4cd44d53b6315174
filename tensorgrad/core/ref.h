// Intrusive reference counting, and the free lists that the engine's small objects come from.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace tensorgrad {

// Small objects by size class from thread-local lists: a tensor, a storage or a node costs a few nanoseconds.
void* pool_allocate(size_t bytes);
void pool_release(void* memory, size_t bytes) noexcept;

// Gives a class its operator new and delete from the pool; sized delete sees the dynamic type's size.
struct Pooled {
  static void* operator new(size_t bytes) { return pool_allocate(bytes); }
  static void operator delete(void* memory, size_t bytes) noexcept { pool_release(memory, bytes); }
};

// T needs a member `std::atomic<uint32_t> refs` that starts at 0 and a static `void destroy(T*)`.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* object) : object_(object) { retain(); }
  Ref(const Ref& other) : object_(other.object_) { retain(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { release(); }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }
  uint32_t use_count() const { return object_ ? object_->refs.load(std::memory_order_relaxed) : 0; }
  void reset() { Ref().swap(*this); }
  void swap(Ref& other) noexcept { std::swap(object_, other.object_); }
  // Hands the reference over to a raw pointer and takes it back.
  T* detach() { return std::exchange(object_, nullptr); }
  static Ref adopt(T* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }

 private:
  void retain() {
    if (object_) object_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  void release() {
    if (object_ && object_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) T::destroy(object_);
  }
  T* object_ = nullptr;
};

}  // namespace tensorgrad
