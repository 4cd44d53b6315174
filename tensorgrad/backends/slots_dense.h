// Slots of matrix products, convolution and pooling; part of slots.h.
#pragma once
#include "tensorgrad/backends/common/conv_args.h"
#include "tensorgrad/backends/common/gemm_args.h"
#include "tensorgrad/backends/common/pool_args.h"
#include "tensorgrad/dispatch/slot.h"

// Basic: matrix products
TG_SLOT(gemm, void(const GemmArgs&))

// Convolution: without these three there is no conv2d
TG_SLOT(conv2d, void(const ConvArgs&))
TG_SLOT(conv2d_grad_input, void(const ConvArgs&))
TG_SLOT(conv2d_grad_weight, void(const ConvArgs&))

// Pooling, forward and backward
TG_SLOT(max_pool2d, void(const PoolArgs&))       // and indices, where not null
TG_SLOT(max_pool2d_grad, void(const PoolArgs&))  // out[indices] += in
TG_SLOT(max_pool2d_pick, void(const PoolArgs&))  // out = in[indices]
TG_SLOT(avg_pool2d, void(const PoolArgs&))
TG_SLOT(avg_pool2d_grad, void(const PoolArgs&))
TG_SLOT(adaptive_avg_pool2d, void(const PoolArgs&))
TG_SLOT(adaptive_avg_pool2d_grad, void(const PoolArgs&))
