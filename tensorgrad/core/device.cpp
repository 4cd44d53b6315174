#include "tensorgrad/core/device.h"

#include "tensorgrad/core/check.h"

namespace tensorgrad {
namespace {
struct Names {
  std::string names[kMaxDeviceTypes] = {"cpu", "cuda"};
  int count = 2;
};
Names& registry() {
  static Names names;
  return names;
}
}  // namespace

const char* device_type_name(DeviceType type) { return registry().names[int(type)].c_str(); }

DeviceType register_device_type(std::string_view name) {
  Names& r = registry();
  for (int i = 0; i < r.count; i++)
    if (r.names[i] == name) return DeviceType(i);
  TG_CHECK(r.count < kMaxDeviceTypes, Runtime, "register_device: at most ", kMaxDeviceTypes, " device types");
  r.names[r.count] = name;
  return DeviceType(r.count++);
}

Device parse_device(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view type = text.substr(0, colon);
  const Names& r = registry();
  for (int i = 0; i < r.count; i++) {
    if (r.names[i] != type) continue;
    Device device{DeviceType(i), -1};
    if (colon == text.npos) return device;
    const std::string digits(text.substr(colon + 1));
    const bool valid = !digits.empty() && digits.size() <= 3 &&
                       digits.find_first_not_of("0123456789") == digits.npos &&
                       (digits.size() == 1 || digits[0] != '0') && std::stoi(digits) < 128;
    TG_CHECK(valid, Runtime, "Invalid device string: '", text, "'");
    device.index = int8_t(std::stoi(digits));
    return device;
  }
  TG_CHECK(!type.empty(), Runtime, "Device string must not be empty");
  fail(ErrorKind::Runtime,
       "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, "
       "vulkan, mps, "
       "meta, hpu, mtia, privateuseone device type at start of device string: ",
       type);
}

std::string to_string(const Device& device) {
  std::string text = device_type_name(device.type);
  if (device.index >= 0) text += ":" + std::to_string(device.index);
  return text;
}

}  // namespace tensorgrad
