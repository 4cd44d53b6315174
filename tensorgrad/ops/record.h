// How an op records its backward, beside its forward:
//
//   return record("MulBackward0", out, dest, saved(a, b),
//                 wrt(a, [](const Tensor& u, const Tensor& a, const Tensor& b) { return u * b; }),
//                 wrt(b, [](const Tensor& u, const Tensor& a, const Tensor& b) { return u * a; }));
//
// Each wrt() is one input's gradient: u is the upstream gradient, the rest are the saved values, unpacked. A
// gradient may have the broadcast shape and a wider dtype: the engine sums and casts it to the input's.
// Gradients capture nothing (checked at compile time): all that lives on is named in saved(...), where
// tensors become Saved handles, so that no reference cycle arises and overwritten data is noticed. Nothing is
// stored when no input requires a gradient.
#pragma once
#include <tuple>

#include "tensorgrad/ops/gradient_edge.h"
#include "tensorgrad/tensor/saved.h"

namespace tensorgrad {

template <class... T>
std::tuple<const T&...> saved(const T&... values) {
  return {values...};
}

template <class F>
struct Wrt {
  const Tensor& input;
  using Gradient = F;
};
template <class F>
Wrt<F> wrt(const Tensor& input, F) {
  static_assert(std::is_empty_v<F>, "a gradient captures nothing: name what it needs in saved(...)");
  return {input};
}

// The gradients that arrive at a node: one per output, undefined where that output did not matter.
struct Upstream {
  const TensorList& gradients;
  const Node& node;
  const Tensor& operator[](size_t output) const { return gradients[output]; }
  bool needs(size_t input) const { return node.needs(input); }
};

namespace detail {

// How a saved value is kept in a node, and given back.
template <class T>
struct Keep {
  static_assert(!std::is_same_v<T, Out> && !std::is_same_v<T, Ref<TensorImpl>>, "save tensors as Tensor");
  using Type = T;
  static const T& store(const T& value, const Tensor*, size_t) { return value; }
  static const T& load(const T& value, Node&) { return value; }
  static constexpr bool holds(const T&) { return false; }
};
template <>
struct Keep<Tensor> {
  using Type = Saved;
  static Saved store(const Tensor& t, const Tensor* outputs, size_t count) { return {t, outputs, count}; }
  static Tensor load(const Saved& s, Node& node) { return s.unpack(node); }
  static bool holds(const Saved& s) { return s.holds(); }
};
template <>
struct Keep<TensorList> {
  using Type = SmallVector<Saved, 3>;
  static Type store(const TensorList& list, const Tensor* outputs, size_t count) {
    Type kept;
    for (const Tensor& t : list) kept.push_back({t, outputs, count});
    return kept;
  }
  static TensorList load(const Type& kept, Node& node) {
    TensorList list;
    for (const Saved& s : kept) list.push_back(s.unpack(node));
    return list;
  }
  static bool holds(const Type& kept) { return !kept.empty(); }
};
template <size_t N>
struct Keep<char[N]> {
  using Type = const char*;
  static const char* store(const char* text, const Tensor*, size_t) { return text; }
  static const char* load(const char* text, Node&) { return text; }
  static constexpr bool holds(const char*) { return false; }
};

template <class Rule, class... T>
class OpNode final : public Node {
 public:
  OpNode(const char* name, const std::tuple<const T&...>& values, const Tensor* outputs, size_t count)
      : Node(name),
        kept_(std::apply(
            [&](const T&... each) {
              return std::tuple<typename Keep<T>::Type...>(Keep<T>::store(each, outputs, count)...);
            },
            values)) {}

  TensorList apply(TensorList&& u) override {
    TG_CHECK(!released_, Runtime, kBackwardTwice);
    return load_and_apply(u, std::index_sequence_for<T...>());
  }

  void release_saved() override {
    const bool held =
        std::apply([](const auto&... each) { return (Keep<T>::holds(each) || ... || false); }, kept_);
    if (!held) return;
    released_ = true;
    kept_ = {};
  }

 private:
  template <size_t... I>
  TensorList load_and_apply(const TensorList& u, std::index_sequence<I...>) {
    return Rule::apply(u, *this, Keep<T>::load(std::get<I>(kept_), *this)...);
  }
  std::tuple<typename Keep<T>::Type...> kept_;
  bool released_ = false;
};

// One gradient per input, each computed only if it is needed.
template <class... F>
struct EachInput {
  template <class... T>
  static TensorList apply(const TensorList& u, const Node& node, const T&... saved) {
    TensorList out;
    if (!u[0].defined()) {
      out.resize(sizeof...(F));
      return out;
    }
    size_t input = 0;
    (out.push_back(node.needs(input++) ? F{}(u[0], saved...) : Tensor()), ...);
    return out;
  }
};
// All gradients from one function.
template <class F>
struct Jointly {
  template <class... T>
  static TensorList apply(const TensorList& u, const Node& node, const T&... saved) {
    for (const Tensor& each : u)
      if (each.defined()) return F{}(Upstream{u, node}, saved...);
    TensorList none;
    none.resize(node.next.size());
    return none;
  }
};

}  // namespace detail

inline bool wants_gradient(const Tensor& t) { return t.defined() && t.requires_grad(); }

// Records a one-output op whose inputs' gradients are given one by one.
template <class... T, class... F>
Tensor record(const char* name, Tensor out, const Out& dest, const std::tuple<const T&...>& values,
              Wrt<F>... inputs) {
  if (!grad_enabled() || !(wants_gradient(inputs.input) || ...) || !is_floating(out.dtype())) return out;
  NodePtr node(new detail::OpNode<detail::EachInput<F...>, T...>(name, values, &out, 1));
  (node->add_edge(gradient_edge(inputs.input)), ...);
  dest.in_place ? rebase_history(out, node) : set_history(out, node);
  return out;
}
template <class... T, class... F>
Tensor record(const char* name, Tensor out, const std::tuple<const T&...>& values, Wrt<F>... inputs) {
  return record(name, std::move(out), Out{}, values, inputs...);
}

// Records an op whose gradients come from one function: TensorList(Upstream, saved...), one entry per input.
// Outputs that are not floating (indices) carry no gradient. For ops with lists of inputs, several outputs,
// fused backward kernels.
template <class... T, class F>
void record_jointly(const char* name, TensorList& outputs, const Out& dest, const TensorList& inputs,
                    const std::tuple<const T&...>& values, F) {
  static_assert(std::is_empty_v<F>, "a gradient captures nothing: name what it needs in saved(...)");
  if (!grad_enabled()) return;
  bool wanted = false;
  for (const Tensor& t : inputs) wanted |= wants_gradient(t);
  if (!wanted) return;
  NodePtr node(new detail::OpNode<detail::Jointly<F>, T...>(name, values, outputs.data(), outputs.size()));
  for (const Tensor& t : inputs) node->add_edge(t.defined() ? gradient_edge(t) : Edge{});
  for (const Tensor& out : outputs) {
    if (!out.defined() || !is_floating(out.dtype()))
      node->add_output(out.defined() ? out : inputs[0]);  // keeps the numbering of later outputs
    else if (dest.in_place)
      rebase_history(out, node);
    else
      set_history(out, node);
  }
}
template <class... T, class F>
Tensor record_jointly(const char* name, Tensor out, const Out& dest, const TensorList& inputs,
                      const std::tuple<const T&...>& values, F f) {
  TensorList outputs{std::move(out)};
  record_jointly(name, outputs, dest, inputs, values, f);
  return std::move(outputs[0]);
}

// Records a view: like record(), and remembers the base for writes in place.
template <class... T, class F>
Tensor record_view(const char* name, Tensor view, const Tensor& base, const char* function,
                   const std::tuple<const T&...>& values, F gradient) {
  if (!is_floating(base.dtype())) return view;
  link_view(view, base, function);
  return record(name, std::move(view), Out{}, values, wrt(base, gradient));
}

}  // namespace tensorgrad
