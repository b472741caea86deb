// What a step of the relay sends, as runs of bytes: mostly views into the step's own input, so
// that what is relayed untouched is not copied. Reused between steps, allocating only to grow.
#pragma once

#include <cstddef>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::session {

/// Views are valid until the input of the step changes or clear() is called.
class ByteRuns {
 public:
  /// Adjacent runs become one.
  void relay(ByteView bytes) {
    if (bytes.empty()) return;
    total_ += bytes.size();
    if (!runs_.empty() && !runs_.back().owned && runs_.back().data + runs_.back().size == bytes.data()) {
      runs_.back().size += bytes.size();
      return;
    }
    runs_.push_back({bytes.data(), 0, bytes.size(), false});
  }
  /// Bytes of our own: whatever write appends.
  template <class Write>
  void make(Write&& write) {
    const std::size_t before = owned_.size();
    write(owned_);
    if (owned_.size() == before) return;
    total_ += owned_.size() - before;
    runs_.push_back({nullptr, before, owned_.size() - before, true});
  }
  /// Wipes what was made: rows that were decrypted stand there.
  void clear() noexcept {
    runs_.clear();
    if (!owned_.empty()) secure_wipe(owned_.data(), owned_.size());
    owned_.clear();
    total_ = 0;
  }
  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }
  [[nodiscard]] std::size_t total_bytes() const noexcept { return total_; }
  [[nodiscard]] std::size_t size() const noexcept { return runs_.size(); }
  [[nodiscard]] ByteView operator[](std::size_t i) const noexcept {
    const Run& run = runs_[i];
    return {run.owned ? owned_.data() + run.offset : run.data, run.size};
  }
  /// Of the step's input, not made.
  [[nodiscard]] bool is_view(std::size_t i) const noexcept { return !runs_[i].owned; }
  [[nodiscard]] Bytes joined() const {
    Bytes out;
    out.reserve(total_);
    for (std::size_t i = 0; i < size(); ++i) {
      const ByteView run = (*this)[i];
      out.insert(out.end(), run.begin(), run.end());
    }
    return out;
  }

 private:
  struct Run {
    const std::byte* data;
    std::size_t offset;
    std::size_t size;
    bool owned;
  };
  std::vector<Run> runs_;
  Bytes owned_;
  std::size_t total_ = 0;
};

}  // namespace bartizan::session
