// einsum: subscripts name the operands' dimensions, and what the output does not name is summed.
#include "tensorgrad/ops/einsum.h"

#include <algorithm>
#include <vector>

#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/matmul.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// A-Z are 0 to 25, a-z 26 to 51.
constexpr int kLetters = 52, kEllipsis = kLetters;
using Subscripts = SmallVector<int, 8>;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
int subscript_of(char c) { return c >= 'a' ? c - 'a' + 26 : c - 'A'; }
char letter_of(int subscript) { return char(subscript < 26 ? 'A' + subscript : 'a' + subscript - 26); }

// Whether "..." stands at `at`; moves to its last dot.
bool takes_ellipsis(std::string_view text, size_t& at) {
  if (text.substr(at, 3) != "...") return false;
  at += 2;
  return true;
}

std::vector<Subscripts> parse_inputs(std::string_view text, size_t operands) {
  std::vector<Subscripts> found(1);
  bool has_ellipsis = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    const size_t operand = found.size() - 1;
    if (c == ' ') continue;
    if (c == ',') {
      TG_CHECK(found.size() < operands, Runtime,
               "einsum(): fewer operands were provided than specified in the equation");
      found.emplace_back();
      has_ellipsis = false;
    } else if (c == '.') {
      TG_CHECK(!has_ellipsis, Runtime, "einsum(): found '.' for operand ", operand,
               " for which an ellipsis was already found");
      TG_CHECK(takes_ellipsis(text, i), Runtime, "einsum(): found '.' for operand ", operand,
               " that is not part of any ellipsis");
      has_ellipsis = true;
      found.back().push_back(kEllipsis);
    } else {
      TG_CHECK(is_letter(c), Runtime, "einsum(): invalid subscript given at index ", i,
               " in the equation string, subscripts must be in [a-zA-Z]");
      found.back().push_back(subscript_of(c));
    }
  }
  TG_CHECK(found.size() == operands, Runtime,
           "einsum(): more operands were provided than specified in the equation");
  return found;
}

// All operands are brought to one order of dimensions: the output's, then the summed ones. `place` is where a
// subscript's dimension (of the ellipsis: its first) stands in it.
struct Arrangement {
  std::vector<Subscripts> inputs;
  int64_t count[kLetters] = {};  // how often a letter appears in the inputs
  int64_t ellipsis_dims = 0;
  int64_t place[kLetters + 1];
  int64_t output_dims = 0, dims = 0;

  Arrangement(std::string_view equation, const TensorList& operands) {
    std::fill(std::begin(place), std::end(place), -1);
    const size_t arrow = equation.find("->");
    inputs = parse_inputs(equation.substr(0, arrow), operands.size());
    for (size_t i = 0; i < operands.size(); i++) count_letters(i, operands[i].dim());
    if (arrow == std::string_view::npos)
      place_implied_output();
    else
      place_output(equation, arrow + 2);
    output_dims = dims;
    if (place[kEllipsis] < 0) put(kEllipsis);
    for (int letter = 0; letter < kLetters; letter++)
      if (count[letter] > 0 && place[letter] < 0) put(letter);
  }

 private:
  void put(int subscript) {
    place[subscript] = dims;
    dims += subscript == kEllipsis ? ellipsis_dims : 1;
  }

  void count_letters(size_t operand, int64_t ndim) {
    int64_t letters = 0;
    bool has_ellipsis = false;
    for (int subscript : inputs[operand]) {
      if (subscript == kEllipsis) {
        has_ellipsis = true;
      } else {
        letters++;
        count[subscript]++;
      }
    }
    if (has_ellipsis) {
      TG_CHECK(letters <= ndim, Runtime, "einsum(): the number of subscripts in the equation (", letters,
               ") is more than the number of dimensions (", ndim, ") for operand ", operand);
      ellipsis_dims = std::max(ellipsis_dims, ndim - letters);
    } else {
      TG_CHECK(letters == ndim, Runtime, "einsum(): the number of subscripts in the equation (", letters,
               ") does not match the number of dimensions (", ndim, ") for operand ", operand,
               " and no ellipsis was given");
    }
  }

  // The ellipsis, then the letters that appear once, in order.
  void place_implied_output() {
    put(kEllipsis);
    for (int letter = 0; letter < kLetters; letter++)
      if (count[letter] == 1) put(letter);
  }

  void place_output(std::string_view equation, size_t begin) {
    const std::string_view text = equation.substr(begin);
    for (size_t i = 0; i < text.size(); i++) {
      const char c = text[i];
      if (c == ' ') continue;
      if (c == '.') {
        TG_CHECK(place[kEllipsis] < 0, Runtime,
                 "einsum(): found '.' for output but an ellipsis (...) was already found");
        TG_CHECK(takes_ellipsis(text, i), Runtime,
                 "einsum(): found '.' for output that is not part of any ellipsis (...)");
        put(kEllipsis);
        continue;
      }
      TG_CHECK(is_letter(c), Runtime, "einsum(): invalid subscript given at index ", begin + i,
               " in the equation string, subscripts must be in [a-zA-Z]");
      const int letter = subscript_of(c);
      TG_CHECK(count[letter] > 0, Runtime, "einsum(): output subscript ", c,
               " does not appear in the equation for any input operand");
      TG_CHECK(place[letter] < 0, Runtime, "einsum(): output subscript ", c,
               " appears more than once in the output");
      put(letter);
    }
  }
};

// Brings the operands into the arrangement one after the other, and checks that their sizes fit together.
class Aligner {
 public:
  explicit Aligner(const Arrangement& arrangement)
      : arrangement_(arrangement), sizes_(size_t(arrangement.dims), 1) {}

  Tensor operator()(const Tensor& operand, size_t number) {
    const Subscripts& subscripts = arrangement_.inputs[number];
    const int64_t covered = operand.dim() - (int64_t(subscripts.size()) - 1);
    Ints order(size_t(arrangement_.dims), -1);  // which of the operand's dimensions comes at each place
    Tensor t = operand;
    int64_t dim = 0;
    for (int subscript : subscripts) {
      int64_t place = arrangement_.place[subscript];
      if (subscript == kEllipsis) {
        place += arrangement_.ellipsis_dims - covered;
        for (int64_t k = 0; k < covered; k++, place++) {
          check_ellipsis(t.sizes()[dim], sizes_[place], dim, number);
          order[place] = dim++;
        }
      } else if (order[place] < 0) {
        check_letter(t.sizes()[dim], sizes_[place], subscript, number);
        order[place] = dim++;
      } else {
        const int64_t before = order[place];
        TG_CHECK(t.sizes()[dim] == t.sizes()[before], Runtime, "einsum(): subscript ", letter_of(subscript),
                 " is repeated for operand ", number, " but the sizes don't match, ", t.sizes()[dim],
                 " != ", t.sizes()[before]);
        t = with_last_moved_to(diagonal(t, 0, before, dim), before);
      }
    }
    for (int64_t& d : order) {
      if (d >= 0) continue;
      t = unsqueeze(t, dim);
      d = dim++;
    }
    return permute(t, order);
  }

 private:
  static void check_ellipsis(int64_t size, int64_t& known, int64_t dim, size_t number) {
    if (size == 1) return;
    TG_CHECK(known == 1 || known == size, Runtime, "einsum(): dimension ", dim,
             " covered by ellipsis in operand ", number, "has size ", size,
             " which does not broadcast with previously seen ellipsis with size ", known,
             " for the respective dimension");
    known = size;
  }
  static void check_letter(int64_t size, int64_t& known, int subscript, size_t number) {
    if (size == 1) return;
    TG_CHECK(known == 1 || known == size, Runtime, "einsum(): subscript ", letter_of(subscript), " has size ",
             size, " for operand ", number, " which does not broadcast with previously seen size ", known);
    known = size;
  }
  static Tensor with_last_moved_to(const Tensor& t, int64_t place) {
    Ints order;
    for (int64_t d = 0; d + 1 < t.dim(); d++) order.push_back(d);
    order.insert(size_t(place), t.dim() - 1);
    return permute(t, order);
  }

  const Arrangement& arrangement_;
  Shape sizes_;
};

void append(Ints& to, const Ints& more) {
  for (int64_t each : more) to.push_back(each);
}
int64_t product_of_sizes(const Tensor& t, const Ints& dims) {
  int64_t n = 1;
  for (int64_t d : dims) n *= t.sizes()[d];
  return n;
}

// The sum of a * b over `summed`, which stay as dimensions of size 1: as a batch of matrix products. a and b
// broadcast against each other, but not over the summed dimensions.
Tensor multiply_and_sum(const Tensor& a, const Tensor& b, const Ints& summed) {
  if (summed.empty()) return mul(a, b);
  Ints shared, left, right;
  Shape sizes_shared, sizes_left, sizes_right;
  size_t next = 0;
  for (int64_t d = 0; d < a.dim(); d++) {
    const int64_t m = a.sizes()[d], n = b.sizes()[d];
    if (next < summed.size() && summed[next] == d) {
      next++;
    } else if (m != 1 && n != 1) {
      shared.push_back(d), sizes_shared.push_back(m);
    } else if (m != 1) {
      left.push_back(d), sizes_left.push_back(m);
    } else {
      right.push_back(d), sizes_right.push_back(n);
    }
  }
  // Where all of b's dimensions come before a's, the product the other way round needs no permutation.
  if (!left.empty() && !right.empty() && right.back() < left.front()) return multiply_and_sum(b, a, summed);
  Ints order_a = shared, order_b = shared;
  append(order_a, left), append(order_a, summed), append(order_a, right);
  append(order_b, summed), append(order_b, right), append(order_b, left);
  const int64_t batch = product_of_sizes(a, shared), rows = product_of_sizes(a, left),
                length = product_of_sizes(a, summed), columns = product_of_sizes(b, right);
  const Tensor c = bmm(reshape(permute(a, order_a), {batch, rows, length}),
                       reshape(permute(b, order_b), {batch, length, columns}));
  Shape sizes = sizes_shared;
  append(sizes, sizes_left), append(sizes, Shape(summed.size(), 1)), append(sizes, sizes_right);
  Ints back(order_a.size(), 0);
  for (size_t i = 0; i < order_a.size(); i++) back[size_t(order_a[i])] = int64_t(i);
  return permute(reshape(c, sizes), back);
}

// The product of two operands, summed over every dimension that no other operand still needs.
Tensor contract(Tensor a, Tensor b, const std::vector<Tensor>& others, int64_t first_summed) {
  Ints summed, only_a, only_b;
  for (int64_t d = first_summed; d < a.dim(); d++) {
    bool needed = false;
    for (const Tensor& other : others) needed |= other.sizes()[d] != 1;
    if (needed) continue;
    const bool in_a = a.sizes()[d] != 1, in_b = b.sizes()[d] != 1;
    if (in_a && in_b)
      summed.push_back(d);
    else if (in_a)
      only_a.push_back(d);
    else if (in_b)
      only_b.push_back(d);
  }
  if (!only_a.empty()) a = sum(a, only_a, true);
  if (!only_b.empty()) b = sum(b, only_b, true);
  return multiply_and_sum(a, b, summed);
}

// Which two operands come next: the path's, or the first two.
std::pair<size_t, size_t> next_pair(const std::optional<Ints>& path, size_t step, size_t operands) {
  if (!path) return {0, 1};
  const auto [i, j] = std::minmax((*path)[2 * step], (*path)[2 * step + 1]);
  TG_CHECK(i != j && i >= 0 && j < int64_t(operands), Runtime, "einsum(): invalid contraction index");
  return {size_t(i), size_t(j)};
}

}  // namespace

Tensor einsum(std::string_view equation, const TensorList& operands, const std::optional<Ints>& path) {
  TG_CHECK(!operands.empty(), Runtime, "einsum(): must provide at least one operand");
  if (path) {
    const size_t expected = operands.size() == 1 ? 1 : (operands.size() - 1) * 2;
    TG_CHECK(path->size() == expected, Runtime,
             "einsum(): expected contraction path given in path parameter to have size ", expected,
             " but got ", path->size());
  }
  const Arrangement arrangement(equation, operands);
  Aligner align(arrangement);
  std::vector<Tensor> todo;
  for (size_t i = 0; i < operands.size(); i++) todo.push_back(align(operands[i], i));
  if (todo.size() == 1) {
    Ints summed;
    for (int64_t d = arrangement.output_dims; d < arrangement.dims; d++) summed.push_back(d);
    return summed.empty() ? todo[0] : sum(todo[0], summed);
  }
  for (size_t step = 0; todo.size() > 1; step++) {
    const auto [i, j] = next_pair(path, step, todo.size());
    const Tensor a = todo[i], b = todo[j];
    todo.erase(todo.begin() + int64_t(j));
    todo.erase(todo.begin() + int64_t(i));
    Tensor c = contract(a, b, todo, arrangement.output_dims);
    todo.insert(path ? todo.end() : todo.begin(), std::move(c));
  }
  Shape sizes;
  for (int64_t d = 0; d < arrangement.output_dims; d++) sizes.push_back(todo[0].sizes()[d]);
  return reshape(todo[0], sizes);
}
TG_OP(einsum, "einsum(str equation, Tensor[] operands, *, int[]? path=None) -> Tensor", kFunction, R"(
The product of the operands, summed over the subscripts that the output does not name: "bij,bjk->bik" is bmm. A letter
names a dimension, "..." the remaining ones, which broadcast; a letter twice in one operand takes its diagonal. Without
an arrow the output has the ellipsis and the letters that appear once, in order. Operands meet two by two, each time as
a bmm, from the left or as path says.
)");

Tensor tensordot(const Tensor& a, const Tensor& b, const Ints& dims_self, const Ints& dims_other, Out out) {
  TG_CHECK(dims_self.size() == dims_other.size(), Runtime, "both dimension lists should have same length");
  TG_CHECK(a.dtype() == b.dtype(), Runtime, "both inputs should have same dtype");
  const Ints left = wrap_dims(dims_self, a.dim()), right = wrap_dims(dims_other, b.dim());
  Ints sum_a, sum_b, order_a, order_b;
  int64_t length = 1;
  for (size_t i = 0; i < left.size(); i++) {
    const int64_t m = a.sizes()[left[i]], n = b.sizes()[right[i]];
    if (n == 1)
      sum_a.push_back(left[i]);
    else if (m == 1)
      sum_b.push_back(right[i]);
    else
      TG_CHECK(m == n, Runtime, "contracted dimensions need to match, but first has size ", m, " in dim ",
               left[i], " and second has size ", n, " in dim ", right[i]);
    if (m != 1 && n != 1) length *= m;
  }
  // A dimension of size 1 broadcasts: the other operand is summed over it first.
  const Tensor x = sum_a.empty() ? a : sum(a, sum_a, true, a.dtype());
  const Tensor y = sum_b.empty() ? b : sum(b, sum_b, true, b.dtype());
  Shape sizes;
  int64_t rows = 1, columns = 1;
  const auto contains = [](const Ints& dims, int64_t d) {
    return std::find(dims.begin(), dims.end(), d) != dims.end();
  };
  for (int64_t d = 0; d < x.dim(); d++) {
    if (contains(left, d)) continue;
    order_a.push_back(d), sizes.push_back(x.sizes()[d]), rows *= x.sizes()[d];
  }
  append(order_a, left), order_b = right;
  for (int64_t d = 0; d < y.dim(); d++) {
    if (contains(right, d)) continue;
    order_b.push_back(d), sizes.push_back(y.sizes()[d]), columns *= y.sizes()[d];
  }
  Tensor result = reshape(
      mm(reshape(permute(x, order_a), {rows, length}), reshape(permute(y, order_b), {length, columns})),
      sizes);
  if (!out) return result;
  TG_CHECK(out.target->dtype() == result.dtype(), Runtime,
           "tensordot: Expected the output tensor to have dtype ", dtype_scalar_name(result.dtype()),
           ", but got an output tensor with dtype ", dtype_scalar_name(out.target->dtype()));
  return deliver("tensordot", out, result);
}
TG_OP(tensordot,
      "tensordot(Tensor input, Tensor other, int[] dims_self, int[] dims_other, *, Tensor? out=None) -> "
      "Tensor",
      kFunction, R"(
The sum of products over dims_self of input and dims_other of other; what remains of both, input's first.
)");

}  // namespace tensorgrad
