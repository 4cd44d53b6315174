#include "tensorgrad/storage/storage.h"

#include <algorithm>
#include <cstring>

#include "tensorgrad/core/check.h"
#include "tensorgrad/storage/allocator.h"

namespace tensorgrad {
namespace {
DeviceMemory memories[kMaxDeviceTypes];
bool registered[kMaxDeviceTypes];
}  // namespace

void register_device_memory(DeviceType type, const DeviceMemory& memory) {
  memories[int(type)] = memory;
  registered[int(type)] = true;
}

const DeviceMemory& device_memory(Device device) {
  if (!registered[int(device.type)]) {
    TG_CHECK(device.type != DeviceType::CUDA, Runtime, "Torch not compiled with CUDA enabled");
    fail(ErrorKind::NotImplemented, "device '", device_type_name(device.type),
         "' has no memory: register_device_memory() gives it one");
  }
  return memories[int(device.type)];
}

StoragePtr Storage::allocate(size_t bytes, Device device) {
  StoragePtr storage(new Storage);
  if (!device.is_cpu()) storage->device_ = device;  // there is one cpu, whatever index it is asked for by
  storage->data_ = device.is_cpu() ? cpu::allocate(bytes)
                                   : device_memory(device).allocate(bytes, std::max<int>(device.index, 0));
  storage->bytes_ = bytes;
  return storage;
}

StoragePtr Storage::from_external(void* data, size_t bytes, Device device, std::function<void()> release) {
  StoragePtr storage(new Storage);
  storage->device_ = device;
  storage->data_ = data;
  storage->bytes_ = bytes;
  storage->release_ = new std::function<void()>(std::move(release));
  return storage;
}

void Storage::destroy(Storage* storage) {
  if (storage->release_) {
    (*storage->release_)();
    delete storage->release_;
  } else if (storage->data_) {
    if (storage->device_.is_cpu())
      cpu::release(storage->data_, storage->bytes_);
    else
      device_memory(storage->device_)
          .release(storage->data_, storage->bytes_, std::max<int>(storage->device_.index, 0));
  }
  delete storage;
}

void Storage::replace(size_t bytes) {
  TG_CHECK(!release_, Runtime, "Trying to resize storage that is not resizable");
  StoragePtr larger = allocate(bytes, device_);
  copy_bytes(larger->data_, device_, data_, device_, std::min(bytes, bytes_));
  std::swap(data_, larger->data_);
  std::swap(bytes_, larger->bytes_);
}

void copy_bytes(void* to, Device to_device, const void* from, Device from_device, size_t bytes) {
  if (bytes == 0) return;
  if (to_device.is_cpu() && from_device.is_cpu())
    std::memcpy(to, from, bytes);
  else
    device_memory(to_device.is_cpu() ? from_device : to_device).copy(to, to_device, from, from_device, bytes);
}

}  // namespace tensorgrad
