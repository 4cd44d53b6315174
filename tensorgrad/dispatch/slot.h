// A kernel slot: declared once by TG_SLOT(name, signature), filled per device.
//
// The cpu's entries are the functions `cpu::<level>::name`, one per instruction set, defined in a file of
// backends/cpu/kernels; the first call picks the level and stores it. Nothing runs at start-up and nothing is
// looked up by name, so a static program keeps only the kernels it calls. Another device fills a slot by
// `slots::name.fill(type, function)`; a slot it leaves empty raises NotImplementedError, naming slot and
// device.
#pragma once
#include <atomic>

#include "tensorgrad/core/check.h"
#include "tensorgrad/core/device.h"
#include "tensorgrad/dispatch/cpu_level.h"

namespace tensorgrad {

template <class Signature>
class Slot;

template <class R, class... Args>
class Slot<R(Args...)> {
 public:
  using Function = R (*)(Args...);

  template <class... Levels>
  constexpr Slot(const char* name, Levels... levels) : name_(name), levels_{levels...} {}

  // Runs the kernel of `device`.
  R operator()(Device device, Args... args) { return get(device)(static_cast<Args>(args)...); }

  Function get(Device device) {
    const Function function = entries_[int(device.type)].load(std::memory_order_acquire);
    return function ? function : resolve(device);
  }
  void fill(DeviceType type, Function function) {
    entries_[int(type)].store(function, std::memory_order_release);
  }
  bool filled(DeviceType type) const {
    return type == DeviceType::CPU || entries_[int(type)].load() != nullptr;
  }
  const char* name() const { return name_; }

 private:
  [[gnu::noinline]] Function resolve(Device device) {
    TG_CHECK(device.is_cpu(), NotImplemented, "Could not run '", name_, "' on device '",
             device_type_name(device.type), "': it has no kernel there. Fill it with slots::", name_,
             ".fill(), or from Python with "
             "tensorgrad.library.");
    const Function function = levels_[cpu_level()];
    fill(DeviceType::CPU, function);
    return function;
  }

  const char* name_;
  Function levels_[kCpuLevels];
  std::atomic<Function> entries_[kMaxDeviceTypes] = {};
};

}  // namespace tensorgrad

// TG_SLOT(add, void(const Plan&, Scalar)) declares tensorgrad::slots::add and its cpu kernels.
#if defined(__x86_64__)
#define TG_SLOT(NAME, ...)                                                                             \
  namespace tensorgrad::slots {                                                                        \
  using NAME##_signature = __VA_ARGS__;                                                                \
  }                                                                                                    \
  namespace tensorgrad::cpu::portable {                                                                \
  slots::NAME##_signature NAME;                                                                        \
  }                                                                                                    \
  namespace tensorgrad::cpu::v2 {                                                                      \
  slots::NAME##_signature NAME;                                                                        \
  }                                                                                                    \
  namespace tensorgrad::cpu::v3 {                                                                      \
  slots::NAME##_signature NAME;                                                                        \
  }                                                                                                    \
  namespace tensorgrad::cpu::v4 {                                                                      \
  slots::NAME##_signature NAME;                                                                        \
  }                                                                                                    \
  namespace tensorgrad::slots {                                                                        \
  inline constinit Slot<NAME##_signature> NAME{#NAME, &cpu::v2::NAME, &cpu::v3::NAME, &cpu::v4::NAME}; \
  }
#else
#define TG_SLOT(NAME, ...)                                                  \
  namespace tensorgrad::slots {                                             \
  using NAME##_signature = __VA_ARGS__;                                     \
  }                                                                         \
  namespace tensorgrad::cpu::portable {                                     \
  slots::NAME##_signature NAME;                                             \
  }                                                                         \
  namespace tensorgrad::cpu::generic {                                      \
  slots::NAME##_signature NAME;                                             \
  }                                                                         \
  namespace tensorgrad::slots {                                             \
  inline constinit Slot<NAME##_signature> NAME{#NAME, &cpu::generic::NAME}; \
  }
#endif
