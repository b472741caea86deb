// A verb's arguments, decoded strictly: each is taken by name and type, and finish() refuses
// what nobody took. Errors name the argument, never its value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/control/document.hpp"
#include "names.hpp"

namespace bartizan::control {

/// Move-only; whatever was not taken is wiped at its end. A null counts as left out.
class Args {
 public:
  /// InvalidArgument unless an object or null.
  [[nodiscard]] static Result<Args> of(Document document);
  Args(Args&&) = default;
  Args& operator=(Args&&) = delete;
  ~Args();

  [[nodiscard]] Result<std::string> name(std::string_view key, NameKind kind);
  [[nodiscard]] Result<std::optional<std::string>> name_or_none(std::string_view key, NameKind kind);
  [[nodiscard]] Result<std::string> text(std::string_view key, std::size_t max_bytes);
  [[nodiscard]] Result<std::optional<std::string>> text_or_none(std::string_view key, std::size_t max_bytes);
  /// At least one byte.
  [[nodiscard]] Result<std::optional<SecretBytes>> secret_or_none(std::string_view key, std::size_t max_bytes = 4096);
  [[nodiscard]] Result<bool> flag(std::string_view key);  ///< left out: false
  [[nodiscard]] Result<std::optional<std::int64_t>> integer_or_none(std::string_view key, std::int64_t least,
                                                                    std::int64_t most);
  [[nodiscard]] Result<std::optional<WallTime>> time_or_none(std::string_view key);
  /// An object whose members are all text.
  [[nodiscard]] Result<std::map<std::string, std::string>> texts(std::string_view key);
  /// An array of objects.
  [[nodiscard]] Result<std::vector<Args>> list(std::string_view key);
  [[nodiscard]] bool has(std::string_view key) const noexcept;
  /// REQUIRES: every argument that the verb knows was taken.
  [[nodiscard]] Result<void> finish() const;

 private:
  explicit Args(Members members) : members_(std::move(members)) {}
  /// nullopt: left out.
  std::optional<Document> take(std::string_view key);

  Members members_;
};

/// Overwrites every text in it.
void wipe_texts(Document& document) noexcept;

}  // namespace bartizan::control
