// Constants, shape arithmetic, and the nodes that only rearrange the tensor.
#include <algorithm>

#include "model/graph_compiler.h"

namespace flowmark {
namespace {

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

/// The arithmetic that exporters leave around a Reshape: all inputs are constants.
std::optional<OnnxTensor> GraphCompiler::fold_integers(const OnnxNode& node) const {
  const OnnxTensor* first = constant(node, 0);
  if (first == nullptr) return std::nullopt;
  if (node.op == "Identity") return *first;
  if (first->is_float || first->dims.size() > 1) return std::nullopt;
  if (node.op == "Cast" || node.op == "Squeeze" || node.op == "Unsqueeze") return *first;
  std::vector<int64_t> out;
  if (node.op == "Concat") {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const OnnxTensor* part = constant(node, i);
      if (part == nullptr || part->is_float) return std::nullopt;
      out.insert(out.end(), part->ints.begin(), part->ints.end());
    }
    return integers_tensor(out);
  }
  const int64_t size = static_cast<int64_t>(first->ints.size());
  if (node.op == "Gather") {
    const OnnxTensor& at = require_constant(node, 1, "indices");
    for (int64_t index : at.ints) {
      if (index < 0) index += size;
      if (index < 0 || index >= size) refuse(node, "an index is outside the tensor");
      out.push_back(first->ints[static_cast<size_t>(index)]);
    }
    return integers_tensor(out);
  }
  if (node.op == "Slice" && node.inputs.size() <= 4) {
    const OnnxTensor& starts = require_constant(node, 1, "starts");
    const OnnxTensor& ends = require_constant(node, 2, "ends");
    if (starts.ints.size() != 1 || ends.ints.size() != 1) return std::nullopt;
    const auto place = [size](int64_t at) {
      return std::clamp(at < 0 ? at + size : at, int64_t{0}, size);
    };
    for (int64_t i = place(starts.ints[0]); i < place(ends.ints[0]); ++i) {
      out.push_back(first->ints[static_cast<size_t>(i)]);
    }
    return integers_tensor(out);
  }
  return std::nullopt;
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
  flow_->place = std::move(place);
  flow_->dims = out;
}

}  // namespace flowmark
