#pragma once
// Two-dimensional convolution over raw pointers, forward and both gradients; everything contiguous, NCHW.
#include <stdint.h>

namespace tensorgrad::cpu {

struct ConvArgs {
  int64_t batch = 0, in_channels = 0, height = 0, width = 0;
  int64_t out_channels = 0, out_height = 0, out_width = 0;
  int64_t kernel_y = 1, kernel_x = 1, stride_y = 1, stride_x = 1;
  int64_t padding_y = 0, padding_x = 0, dilation_y = 1, dilation_x = 1;
  int64_t groups = 1;
  // Of these, each function reads or writes what its name says.
  const void* input = nullptr;   // (batch, in_channels, height, width)
  const void* weight = nullptr;  // (out_channels, in_channels / groups, kernel_y, kernel_x)
  const void* bias = nullptr;    // (out_channels), may be null
  void* output = nullptr;        // (batch, out_channels, out_height, out_width)
  const void* grad_output = nullptr;
  void* grad_input = nullptr;
  void* grad_weight = nullptr;
  void* grad_bias = nullptr;
};

#ifdef TG_ISA
namespace TG_ISA {
void conv2d_f32(const ConvArgs& args);
void conv2d_f64(const ConvArgs& args);
void conv2d_grad_input_f32(const ConvArgs& args);
void conv2d_grad_input_f64(const ConvArgs& args);
void conv2d_grad_weight_f32(const ConvArgs& args);
void conv2d_grad_weight_f64(const ConvArgs& args);
void conv2d_grad_bias_f32(const ConvArgs& args);
void conv2d_grad_bias_f64(const ConvArgs& args);
}  // namespace TG_ISA
#endif

}  // namespace tensorgrad::cpu
