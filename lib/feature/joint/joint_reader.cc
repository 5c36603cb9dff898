#include "feature/joint/joint_reader.h"

#include <algorithm>

namespace flowmark {

void JointReader::begin() noexcept {
  at_ = 0;
  taken_ = 0;
  is_read_ = false;
}

bool JointReader::step(uint32_t pieces, SparseWindow& out) noexcept {
  if (at_ == windows_.size()) return true;
  if (!is_read_) {
    if (at_ == 0) out.clear();
    is_read_ = windows_[at_].reader->step(pieces, window_);
    return false;
  }
  const uint32_t first = windows_[at_].first;
  const size_t end = std::min<size_t>(window_.size(), taken_ + size_t{pieces});
  for (; taken_ < end; ++taken_) {
    out.push_back({first + window_[taken_].index, window_[taken_].value});
  }
  if (taken_ < window_.size()) return false;
  taken_ = 0;
  is_read_ = false;
  return ++at_ == windows_.size();
}

}  // namespace flowmark
