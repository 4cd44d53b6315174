// The vector maths: branch-free scalar functions that vectorise in plain loops, within 2 ulp in float32.
#pragma once
#include "tensorgrad/backends/cpu/kernels/vmath_activation.h"
#include "tensorgrad/backends/cpu/kernels/vmath_block.h"
#include "tensorgrad/backends/cpu/kernels/vmath_erf.h"
#include "tensorgrad/backends/cpu/kernels/vmath_exp.h"
#include "tensorgrad/backends/cpu/kernels/vmath_log.h"
#include "tensorgrad/backends/cpu/kernels/vmath_round.h"
#include "tensorgrad/backends/cpu/kernels/vmath_trig.h"
