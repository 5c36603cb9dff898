// Constants, shape arithmetic, and the nodes that only rearrange the tensor.
#include <algorithm>

#include "model/compile/graph_compiler.h"

namespace flowmark {
namespace {

constexpr size_t kMaxFolded = 64;
constexpr double kElementWork = 10;  // to find an element's place in a transposed tensor

double bytes_of(const OnnxTensor& tensor) {
  return static_cast<double>(tensor.floats.size()) * sizeof(float) +
         static_cast<double>(tensor.ints.size()) * sizeof(int64_t);
}

OnnxTensor integers_tensor(std::vector<int64_t> values) {
  OnnxTensor out;
  out.is_float = false;
  out.dims = {static_cast<int64_t>(values.size())};
  out.ints = std::move(values);
  return out;
}

}  // namespace

bool GraphCompiler::fold_constant(const OnnxNode& node) {
  if (!node.domain.empty() || node.outputs.empty()) return false;
  std::optional<OnnxTensor> value;
  if (node.op == "Constant") {
    if (const auto* attribute = find(node, "value", OnnxAttribute::Type::tensor)) {
      reserve(node, bytes_of(attribute->tensor));
      value = attribute->tensor;
    } else if (node.attributes.contains("value_ints")) {
      value = integers_tensor(integers(node, "value_ints"));
    } else if (node.attributes.contains("value_int")) {
      value = integers_tensor({integer(node, "value_int", 0)});
    } else if (node.attributes.contains("value_float")) {
      value.emplace().floats = {number(node, "value_float", 0)};
    } else {
      refuse(node, "a constant of this kind is not read");
    }
  } else if (node.op == "Shape") {
    const auto found = node.inputs.empty() ? dims_of_.end() : dims_of_.find(node.inputs[0]);
    if (found == dims_of_.end()) refuse(node, "it does not read the graph's tensor");
    if (!node.attributes.empty()) refuse(node, "start and end are not read");
    value = integers_tensor(found->second);
  } else if (std::all_of(node.inputs.begin(), node.inputs.end(), [this](const std::string& name) {
               return name.empty() || constants_.contains(name);
             })) {
    value = fold_integers(node);
  }
  if (!value) return false;
  folded_.push_back(std::make_unique<OnnxTensor>(std::move(*value)));
  constants_[node.outputs[0]] = folded_.back().get();
  return true;
}

/// The arithmetic on shapes and paddings that exporters leave in the graph: integers in one or two
/// dimensions, all inputs constant.
std::optional<OnnxTensor> GraphCompiler::fold_integers(const OnnxNode& node) const {
  const OnnxTensor* first = constant(node, 0);
  if (first == nullptr) return std::nullopt;
  if (node.op == "Identity") {
    reserve(node, bytes_of(*first));
    return *first;
  }
  if (first->is_float || first->dims.size() > 2 || first->ints.size() > kMaxFolded) {
    return std::nullopt;
  }
  if (node.op == "Cast" || node.op == "Squeeze" || node.op == "Unsqueeze") return *first;
  if (node.op == "Concat") return fold_concat(node);
  if (node.op == "Gather") return fold_gather(node, *first);
  if (node.op == "Slice") return fold_slice(node, *first);
  if (node.op == "ConstantOfShape") {
    const auto* value = find(node, "value", OnnxAttribute::Type::tensor);
    const bool integer = value != nullptr && value->tensor.ints.size() == 1;
    if (!integer || first->ints.size() != 1 || first->ints[0] < 0 ||
        first->ints[0] > static_cast<int64_t>(kMaxFolded)) {
      return std::nullopt;
    }
    return integers_tensor(
        std::vector<int64_t>(static_cast<size_t>(first->ints[0]), value->tensor.ints[0]));
  }
  if (node.op == "Reshape") {
    const OnnxTensor& shape = require_constant(node, 1, "shape");
    OnnxTensor out = *first;
    out.dims = shape.ints;
    const auto size = static_cast<int64_t>(first->ints.size());
    // [-1], [n], [-1, n] and [m, n] are what there is.
    if (out.dims.empty() || out.dims.size() > 2 || out.dims.back() == 0) return std::nullopt;
    if (out.dims.size() == 1) out.dims[0] = size;
    if (out.dims.size() == 2) out.dims[0] = size / out.dims[1];
    if (out.dims.size() == 2 && (out.dims[1] < 1 || out.dims[0] * out.dims[1] != size)) {
      return std::nullopt;
    }
    return out;
  }
  if (node.op == "Transpose" && first->dims.size() == 2) {
    OnnxTensor out = *first;
    const auto rows = static_cast<size_t>(first->dims[0]),
               columns = static_cast<size_t>(first->dims[1]);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < columns; ++c) out.ints[c * rows + r] = first->ints[r * columns + c];
    }
    std::swap(out.dims[0], out.dims[1]);
    return out;
  }
  return std::nullopt;
}

std::optional<OnnxTensor> GraphCompiler::fold_concat(const OnnxNode& node) const {
  std::vector<int64_t> out;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const OnnxTensor* part = constant(node, i);
    if (part == nullptr || part->is_float || part->dims.size() > 1) return std::nullopt;
    out.insert(out.end(), part->ints.begin(), part->ints.end());
    if (out.size() > kMaxFolded) return std::nullopt;
  }
  return integers_tensor(std::move(out));
}

std::optional<OnnxTensor> GraphCompiler::fold_gather(const OnnxNode& node,
                                                     const OnnxTensor& from) const {
  const auto size = static_cast<int64_t>(from.ints.size());
  std::vector<int64_t> out;
  const OnnxTensor& indices = require_constant(node, 1, "indices");
  if (indices.ints.size() > kMaxFolded) return std::nullopt;
  for (int64_t index : indices.ints) {
    if (index < 0) index += size;
    if (index < 0 || index >= size) refuse(node, "an index is outside the tensor");
    out.push_back(from.ints[static_cast<size_t>(index)]);
  }
  return integers_tensor(std::move(out));
}

/// Rows of the first axis, forwards or backwards.
std::optional<OnnxTensor> GraphCompiler::fold_slice(const OnnxNode& node,
                                                    const OnnxTensor& from) const {
  std::vector<int64_t> at{0, 0, 0, 1};  // start, end, axis, step
  for (size_t i = 1; i < node.inputs.size() && i < 5; ++i) {
    const OnnxTensor& tensor = require_constant(node, i, "starts, ends, axes or steps");
    if (tensor.ints.size() != 1) return std::nullopt;
    at[i - 1] = tensor.ints[0];
  }
  const int64_t step = at[3];
  if (node.inputs.size() < 3 || at[2] != 0 || (step != 1 && step != -1) || from.dims.empty()) {
    return std::nullopt;
  }
  const int64_t rows = from.dims[0];
  const int64_t width = from.dims.size() == 2 ? from.dims[1] : 1;
  const auto place = [&](int64_t index) {
    if (index < 0) index = index < -rows ? -1 - rows : index;  // no overflow
    const int64_t from_start = index < 0 ? index + rows : index;
    return step > 0 ? std::clamp(from_start, int64_t{0}, rows)
                    : std::clamp(from_start, int64_t{-1}, rows - 1);
  };
  OnnxTensor out = from;
  out.ints.clear();
  const int64_t end = place(at[1]);
  for (int64_t row = place(at[0]); step > 0 ? row < end : row > end; row += step) {
    const auto first = from.ints.begin() + row * width;
    out.ints.insert(out.ints.end(), first, first + width);
  }
  out.dims[0] = width == 0 ? 0 : static_cast<int64_t>(out.ints.size()) / width;
  return out;
}

void GraphCompiler::reshape(const OnnxNode& node) {
  const std::vector<int64_t>& dims = flow_->dims;
  if (node.op == "Flatten") {
    const int64_t rank = static_cast<int64_t>(dims.size());
    int64_t axis = integer(node, "axis", 1);
    if (axis < 0) axis += rank;
    if (axis < 0 || axis > rank) refuse(node, "axis {} is outside the tensor", axis);
    set_dims(node, {static_cast<int64_t>(product({dims.begin(), dims.begin() + axis})),
                    static_cast<int64_t>(product({dims.begin() + axis, dims.end()}))});
    return;
  }
  std::vector<int64_t> numbers = integers(node, node.op == "Reshape" ? "shape" : "axes");
  if (node.inputs.size() > 1) {
    const OnnxTensor& tensor = require_constant(node, 1, "shape or axes");
    if (tensor.is_float) refuse(node, "its shape or axes are no integers");
    numbers = tensor.ints;
  }
  if (numbers.size() > 8) refuse(node, "it has {} axes", numbers.size());
  set_dims(node, node.op == "Reshape" ? reshaped(node, numbers) : squeezed(node, numbers));
}

std::vector<int64_t> GraphCompiler::reshaped(const OnnxNode& node,
                                             const std::vector<int64_t>& numbers) const {
  const bool allow_zero = integer(node, "allowzero", 0) != 0;
  std::vector<int64_t> out = numbers;
  std::optional<size_t> open;
  uint64_t known = 1;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && !allow_zero && i < flow_->dims.size()) out[i] = flow_->dims[i];
    if (out[i] == -1 && !open) {
      open = i;
      continue;
    }
    if (out[i] < 1 || out[i] > INT32_MAX) {
      refuse(node, "its shape {} is not valid", dims_text(numbers));
    }
    known *= static_cast<uint64_t>(out[i]);
    if (known > UINT32_MAX) refuse(node, "its shape {} is too large", dims_text(numbers));
  }
  if (open) out[*open] = static_cast<int64_t>(flow_->place.size() / known);
  return out;
}

std::vector<int64_t> GraphCompiler::squeezed(const OnnxNode& node,
                                             const std::vector<int64_t>& axes) const {
  const std::vector<int64_t>& dims = flow_->dims;
  const bool insert = node.op == "Unsqueeze";
  const size_t rank = dims.size() + (insert ? axes.size() : 0);
  std::vector<bool> named(rank, !insert && axes.empty());
  for (int64_t axis : axes) {
    if (axis < 0) axis += static_cast<int64_t>(rank);
    if (axis < 0 || axis >= static_cast<int64_t>(rank) || named[static_cast<size_t>(axis)]) {
      refuse(node, "axes {} do not fit the tensor {}", dims_text(axes), dims_text(dims));
    }
    named[static_cast<size_t>(axis)] = true;
  }
  std::vector<int64_t> out;
  size_t next = 0;
  for (size_t i = 0; i < rank; ++i) {
    if (insert) {
      out.push_back(named[i] ? 1 : dims[next++]);
    } else if (!named[i] || (dims[i] != 1 && axes.empty())) {
      out.push_back(dims[i]);
    } else if (dims[i] != 1) {
      refuse(node, "axis {} of {} is not of length 1", i, dims_text(dims));
    }
  }
  return out;
}

void GraphCompiler::set_dims(const OnnxNode& node, std::vector<int64_t> dims) {
  if (product(dims) != flow_->place.size()) {
    refuse(node, "it makes {} of {}", dims_text(dims), dims_text(flow_->dims));
  }
  flow_->dims = std::move(dims);
}

void GraphCompiler::transpose(const OnnxNode& node) {
  const std::vector<int64_t> dims = flow_->dims;
  const size_t rank = dims.size();
  std::vector<int64_t> perm = integers(node, "perm");
  if (perm.empty()) {
    for (size_t i = rank; i-- > 0;) perm.push_back(static_cast<int64_t>(i));
  }
  std::vector<int64_t> sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  bool fits = perm.size() == rank;
  for (size_t i = 0; fits && i < rank; ++i) fits = sorted[i] == static_cast<int64_t>(i);
  if (!fits) refuse(node, "perm {} does not fit the shape {}", dims_text(perm), dims_text(dims));

  std::vector<uint64_t> stride(rank, 1);
  for (size_t i = rank; i-- > 1;) stride[i - 1] = stride[i] * static_cast<uint64_t>(dims[i]);
  std::vector<int64_t> out(rank), at(rank, 0);
  for (size_t i = 0; i < rank; ++i) out[i] = dims[static_cast<size_t>(perm[i])];
  const auto size = static_cast<double>(flow_->place.size());
  reserve(node, size * sizeof(uint32_t));
  spend(node, size * kElementWork);
  std::vector<uint32_t> place(flow_->place.size());
  uint64_t from = 0;
  for (uint32_t& element : place) {
    element = flow_->place[from];
    // Counts up like an odometer, the last axis fastest.
    for (size_t i = rank; i-- > 0;) {
      const uint64_t step = stride[static_cast<size_t>(perm[i])];
      from += step;
      if (++at[i] < out[i]) break;
      from -= step * static_cast<uint64_t>(out[i]);
      at[i] = 0;
    }
  }
  flow_->place = ElementOrder(std::move(place));
  flow_->dims = out;
}

}  // namespace flowmark
