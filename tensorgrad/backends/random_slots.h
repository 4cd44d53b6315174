// Slots that draw random numbers. Each fills n contiguous elements with PyTorch's stream bit for bit, at
// every instruction-set level, and leaves the state where PyTorch leaves it. Parameters are valid; ops check
// them.
#pragma once
#include "tensorgrad/core/dtype.h"
#include "tensorgrad/core/random_state.h"
#include "tensorgrad/dispatch/slot.h"

// Floating types: [from, to).
TG_SLOT(random_uniform, void(RandomState&, void* out, DType, int64_t n, double from, double to))
// Floating types. `in_order` draws one after the other, as PyTorch does where the result is not contiguous;
// else that happens only below 16 elements, and blocks of 16 come from 16 uniforms.
TG_SLOT(random_normal,
        void(RandomState&, void* out, DType, int64_t n, double mean, double std, bool in_order))
// Any type: base + draw % range, wrapping around; range 0 stands for 2^64.
TG_SLOT(random_integers, void(RandomState&, void* out, DType, int64_t n, uint64_t range, int64_t base))
// Any type: from zero to the largest value, or to the end of the run of integers that a floating type holds.
TG_SLOT(random_all_integers, void(RandomState&, void* out, DType, int64_t n))
// A permutation of 0 .. n-1.
TG_SLOT(random_permutation, void(RandomState&, void* out, DType, int64_t n))
// One with probability p, else zero.
TG_SLOT(random_bernoulli, void(RandomState&, void* out, DType, int64_t n, double p))
// The same with a probability for each element, of a floating type. False if one lies outside [0, 1].
TG_SLOT(random_bernoulli_each, bool(RandomState&, void* out, DType, const void* p, DType p_dtype, int64_t n))
// out = in * 1 / keep where kept, in * 0 elsewhere; `kept` gets ones and zeros.
TG_SLOT(random_dropout,
        void(RandomState&, const void* in, void* out, bool* kept, DType, int64_t n, double keep))
// out = in * 1 / keep where kept, in * 0 elsewhere.
TG_SLOT(dropout_scale, void(const void* in, const bool* kept, void* out, DType, int64_t n, double keep))
TG_SLOT(random_exponential, void(RandomState&, void* out, DType, int64_t n, double lambda))
TG_SLOT(random_geometric, void(RandomState&, void* out, DType, int64_t n, double p))
TG_SLOT(random_cauchy, void(RandomState&, void* out, DType, int64_t n, double median, double sigma))
TG_SLOT(random_log_normal, void(RandomState&, void* out, DType, int64_t n, double mean, double std))
// Whether rows of weights can be drawn from: 0, or 1 negative, infinite or NaN, or 3 a row all zero.
TG_SLOT(check_weights, int(const void* weights, DType, int64_t rows, int64_t categories))
// For each row the place of the largest weight / exponential.
TG_SLOT(random_choose_one,
        void(RandomState&, const void* weights, DType, int64_t rows, int64_t categories, int64_t* out))
// Draws with replacement from rows of weights; `sums` is scratch for one row of float64.
// Returns 0, or why it cannot: 1 infinite, 2 negative or NaN, 3 all zero.
TG_SLOT(random_multinomial, int(RandomState&, const void* weights, DType, int64_t rows, int64_t categories,
                                int64_t samples, int64_t* out, double* sums))
