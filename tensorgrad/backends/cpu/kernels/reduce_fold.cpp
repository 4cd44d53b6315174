// Sums, products, extremes, counts and norms along a dimension.
// TG_PORTABLE compiles the types other than float and double.
#include "tensorgrad/backends/cpu/kernels/fold.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
constexpr bool is_float = __is_same(T, float) || __is_same(T, double);
// What sums add up in: floats in their compute type, integers in int64.
template <class T>
struct sum_type {
  using type = int64_t;
};
template <>
struct sum_type<float> {
  using type = float;
};
template <>
struct sum_type<double> {
  using type = double;
};
template <>
struct sum_type<Half> {
  using type = float;
};
template <>
struct sum_type<BFloat16> {
  using type = float;
};

template <class T>
struct ByType {
  using C = compute_t<T>;
  using S = typename sum_type<T>::type;

  template <class A, bool vectorised = is_float<T>>
  struct Op {
    using In = T;
    using Acc = A;
    static constexpr bool vectors = vectorised;
  };
  struct Sum : Op<S> {
    TG_INLINE S identity() const { return 0; }
    template <class V>
    TG_INLINE V term(V x) const {
      return x;
    }
    template <class V>
    TG_INLINE V join(V a, V b) const {
      return a + b;
    }
  };
  struct Product : Sum {
    TG_INLINE S identity() const { return 1; }
    template <class V>
    TG_INLINE V join(V a, V b) const {
      if constexpr (is_float<S>)
        return a * b;
      else
        return V(uint64_t(a) * uint64_t(b));
    }
  };
  // A number that is none wins: a is kept by greater_of where it is one, x by the choice after it.
  template <bool Greatest>
  struct Extreme : Op<C> {
    C start;
    TG_INLINE explicit Extreme(C start) : start(start) {}
    TG_INLINE C identity() const { return start; }
    template <class V>
    TG_INLINE V term(V x) const {
      return x;
    }
    template <class V>
    TG_INLINE V join(V a, V x) const {
      const V best = Greatest ? greater_of(x, a) : lesser_of(x, a);
      return x != x ? x : best;
    }
  };
  struct Any : Op<uint8_t, false> {
    TG_INLINE uint8_t identity() const { return 0; }
    TG_INLINE uint8_t term(C x) const { return x != 0; }
    TG_INLINE uint8_t join(uint8_t a, uint8_t b) const { return a | b; }
  };
  struct All : Any {
    TG_INLINE uint8_t identity() const { return 1; }
    TG_INLINE uint8_t join(uint8_t a, uint8_t b) const { return a & b; }
  };
  struct Count : Op<int64_t, false> {
    TG_INLINE int64_t identity() const { return 0; }
    TG_INLINE int64_t term(C x) const { return x != 0; }
    TG_INLINE int64_t join(int64_t a, int64_t b) const { return a + b; }
  };
  struct CountNotNan : Count {
    TG_INLINE int64_t term(C x) const { return x == x; }
  };
  struct NanSum : Sum {
    template <class V>
    TG_INLINE V term(V x) const {
      return x == x ? x : V{};
    }
  };
  struct AbsSum : Sum {
    template <class V>
    TG_INLINE V term(V x) const {
      return greater_of(-x, x);
    }
  };
  struct SquareSum : Sum {
    template <class V>
    TG_INLINE V term(V x) const {
      return x * x;
    }
  };
  template <bool Greatest>
  struct AbsExtreme : Extreme<Greatest> {
    using Extreme<Greatest>::Extreme;
    template <class V>
    TG_INLINE V term(V x) const {
      return greater_of(-x, x);
    }
  };
  struct PowerSum : Op<S, false> {
    S p;
    TG_INLINE S identity() const { return 0; }
    TG_INLINE S term(S x) const {
      const S size = x < 0 ? -x : x;
      if constexpr (sizeof(S) == 4)
        return __builtin_powf(size, p);
      else
        return __builtin_pow(size, p);
    }
    TG_INLINE S join(S a, S b) const { return a + b; }
  };
};

template <class T>
constexpr compute_t<T> lowest_value() {
  if constexpr (is_float<compute_t<T>>)
    return -__builtin_inff();
  else if constexpr (T(-1) > T(0))
    return 0;
  else
    return T(uint64_t(1) << (sizeof(T) * 8 - 1));
}
template <class T>
constexpr compute_t<T> highest_value() {
  if constexpr (is_float<compute_t<T>>)
    return __builtin_inff();
  else if constexpr (__is_same(T, bool))
    return true;
  else if constexpr (T(-1) > T(0))
    return T(-1);
  else
    return T(~(uint64_t(1) << (sizeof(T) * 8 - 1)));
}

template <class T>
void fold(const FoldArgs& args) {
  using B = ByType<T>;
  using C = compute_t<T>;
  using S = typename B::S;
  const auto keep = [&](int64_t at, C value) { static_cast<T*>(args.out)[at] = T(value); };
  const auto total = [&](int64_t at, S value) {
    if constexpr (is_float<S>)
      static_cast<T*>(args.out)[at] = T(args.divisor == 1 ? value : value / S(args.divisor));
    else
      static_cast<int64_t*>(args.out)[at] = value;
  };
  const auto flag = [&](int64_t at, uint8_t value) { static_cast<uint8_t*>(args.out)[at] = value; };
  const auto count = [&](int64_t at, int64_t value) { static_cast<int64_t*>(args.out)[at] = value; };
  switch (args.fold) {
    case Fold::Sum: return fold_all(typename B::Sum{}, args, total);
    case Fold::Product: return fold_all(typename B::Product{}, args, total);
    case Fold::Maximum: return fold_all(typename B::template Extreme<true>{lowest_value<T>()}, args, keep);
    case Fold::Minimum: return fold_all(typename B::template Extreme<false>{highest_value<T>()}, args, keep);
    case Fold::Any: return fold_all(typename B::Any{}, args, flag);
    case Fold::All: return fold_all(typename B::All{}, args, flag);
    case Fold::CountNonzero: return fold_all(typename B::Count{}, args, count);
    case Fold::CountNotNan: return fold_all(typename B::CountNotNan{}, args, count);
    default: break;
  }
  if constexpr (is_float<C>) {
    switch (args.fold) {
      case Fold::NanSum: return fold_all(typename B::NanSum{}, args, total);
      case Fold::AbsSum: return fold_all(typename B::AbsSum{}, args, total);
      case Fold::SquareSum: {
        // The root is taken here: half would overflow in between.
        return fold_all(typename B::SquareSum{}, args, [&](int64_t at, S value) {
          static_cast<T*>(args.out)[at] =
              T(sizeof(S) == 4 ? S(__builtin_sqrtf(float(value))) : S(__builtin_sqrt(double(value))));
        });
      }
      case Fold::AbsMaximum: return fold_all(typename B::template AbsExtreme<true>{C(0)}, args, keep);
      case Fold::AbsMinimum:
        return fold_all(typename B::template AbsExtreme<false>{highest_value<T>()}, args, keep);
      default: {
        typename B::PowerSum op;
        op.p = S(args.power);
        return fold_all(op, args, [&](int64_t at, S value) {
          static_cast<T*>(args.out)[at] = T(S(__builtin_pow(double(value), 1 / args.power)));
        });
      }
    }
  }
}

}  // namespace

void reduce_fold(const FoldArgs& args) {
  float_and_others(args.dtype, [&]<class T>() { fold<T>(args); }, [&] { portable::reduce_fold(args); });
}

}  // namespace tensorgrad::cpu::TG_ISA
