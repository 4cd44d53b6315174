// Reductions.
#pragma once
#include <tuple>

#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// Over `dims` (none: all).
Tensor sum(const Tensor& input, const Ints& dims, bool keepdim = false, std::optional<DType> dtype = {},
           Out out = {});
Tensor sum_all(const Tensor& input, std::optional<DType> dtype = {});

Tensor mean_all(const Tensor& input, std::optional<DType> dtype = {});
Tensor mean(const Tensor& input, const Ints& dims, bool keepdim = false, std::optional<DType> dtype = {},
            Out out = {});
Tensor prod(const Tensor& input, int64_t dim, bool keepdim = false, std::optional<DType> dtype = {},
            Out out = {});
Tensor prod_all(const Tensor& input, std::optional<DType> dtype = {});
Tensor nansum(const Tensor& input, const Ints& dims, bool keepdim = false, std::optional<DType> dtype = {},
              Out out = {});
Tensor count_nonzero(const Tensor& input, const Ints& dims);
// No dims: all.
Tensor any(const Tensor& input, const Ints& dims, bool keepdim = false);
Tensor all(const Tensor& input, const Ints& dims, bool keepdim = false);

Tensor amax(const Tensor& input, const Ints& dims, bool keepdim = false, Out out = {});
Tensor amin(const Tensor& input, const Ints& dims, bool keepdim = false, Out out = {});
std::tuple<Tensor, Tensor> max(const Tensor& input, int64_t dim, bool keepdim = false);
std::tuple<Tensor, Tensor> min(const Tensor& input, int64_t dim, bool keepdim = false);
Tensor max_all(const Tensor& input);
Tensor min_all(const Tensor& input);
Tensor argmax(const Tensor& input, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& input, std::optional<int64_t> dim = {}, bool keepdim = false);

// correction: 1 divides by n - 1.
Tensor var(const Tensor& input, const Ints& dims, double correction = 1, bool keepdim = false);
Tensor std_deviation(const Tensor& input, const Ints& dims, double correction = 1, bool keepdim = false);
Tensor vector_norm(const Tensor& input, double ord, const Ints& dims, bool keepdim = false,
                   std::optional<DType> dtype = {});

}  // namespace tensorgrad
