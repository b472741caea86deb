// The signed context of one session for the server connection it works on, signed anew when the
// connection is another one or the expiry comes near.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/wall/context.hpp"

namespace bartizan::session {

/// Not thread-safe.
class ContextSigner {
 public:
  /// A context with less than this left is not put in front of a statement.
  static constexpr std::chrono::seconds kLeastLeft = wall::kContextLife / 3;

  explicit ContextSigner(std::vector<wall::ContextValue> values, std::optional<WallTime> valid_until)
      : values_(std::move(values)), valid_until_(valid_until) {}

  struct Signed {
    std::string_view text;  ///< until the next call
    WallTime expires;
  };
  /// Errors: no key, or values that can't be signed. Never a context past valid_until.
  [[nodiscard]] Result<Signed> sign(const std::shared_ptr<const SecretBytes>& key, WallTime now);
  /// Of the context's values; another one is signed anew.
  void set(std::string_view name, const std::optional<std::string>& value);
  /// Whether a context that ends then may still be relied on.
  [[nodiscard]] bool lasts(WallTime expires, WallTime now) const noexcept;

 private:
  std::vector<wall::ContextValue> values_;
  std::optional<WallTime> valid_until_;
  std::shared_ptr<const SecretBytes> key_;  // of text_; held, so that its address is not another's
  WallTime expires_{};
  std::string text_;
};

}  // namespace bartizan::session
