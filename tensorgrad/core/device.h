// A device: its type (an index into the registry) and its ordinal.
#pragma once
#include <stdint.h>

#include <string>
#include <string_view>

namespace tensorgrad {

inline constexpr int kMaxDeviceTypes = 8;
enum class DeviceType : uint8_t { CPU = 0, CUDA = 1 };

struct Device {
  DeviceType type = DeviceType::CPU;
  int8_t index = -1;  // -1: the current one of its type

  friend bool operator==(const Device& a, const Device& b) {
    return a.type == b.type && (a.index == b.index || (a.index <= 0 && b.index <= 0));
  }
  bool is_cpu() const { return type == DeviceType::CPU; }
};

const char* device_type_name(DeviceType type);
// Names a new device type and returns its number; at most kMaxDeviceTypes.
DeviceType register_device_type(std::string_view name);
Device parse_device(std::string_view text);  // "cpu", "cuda:1"; RuntimeError as PyTorch's otherwise
std::string to_string(const Device& device);

}  // namespace tensorgrad
