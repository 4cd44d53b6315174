// Reference-counted bytes on one device.
#pragma once
#include <functional>

#include "tensorgrad/core/device.h"
#include "tensorgrad/core/ref.h"

namespace tensorgrad {

// Counts writes. Every view of a storage shares it, so that backward can tell that a saved tensor was
// overwritten.
struct VersionCounter : Pooled {
  std::atomic<uint32_t> refs{0};
  std::atomic<uint32_t> value{0};
  static void destroy(VersionCounter* counter) { delete counter; }
};

class Storage;
using StoragePtr = Ref<Storage>;

class Storage final : public Pooled {
 public:
  // Uninitialised memory from the device's allocator.
  static StoragePtr allocate(size_t bytes, Device device = {});
  // Memory that somebody else owns (NumPy, DLPack, mmap); `release` runs when the last tensor lets go.
  static StoragePtr from_external(void* data, size_t bytes, Device device, std::function<void()> release);
  static void destroy(Storage* storage);

  char* data() const { return static_cast<char*>(data_); }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  // Swaps in other memory of the same device (Tensor.set_, resize_); tensors keep pointing at this storage.
  void replace(size_t bytes);

  std::atomic<uint32_t> refs{0};
  std::atomic<uint32_t> version{0};

 private:
  Storage() = default;
  void* data_ = nullptr;
  size_t bytes_ = 0;
  Device device_;
  std::function<void()>* release_ = nullptr;
};

// What a device must offer to hold storages. Register before the first tensor on it.
struct DeviceMemory {
  void* (*allocate)(size_t bytes, int index);
  void (*release)(void* memory, size_t bytes, int index);
  void (*copy)(void* to, Device to_device, const void* from, Device from_device, size_t bytes);
  void (*synchronize)(int index);
};
void register_device_memory(DeviceType type, const DeviceMemory& memory);
const DeviceMemory& device_memory(Device device);
// Copies between any two devices, one of which may be the cpu.
void copy_bytes(void* to, Device to_device, const void* from, Device from_device, size_t bytes);

}  // namespace tensorgrad
