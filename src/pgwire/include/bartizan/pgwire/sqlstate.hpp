// SQLSTATEs as a type of their own, the ones that the gateway itself sends by name (PostgreSQL
// manual, appendix "PostgreSQL Error Codes"), and the one mapping from base::Errc.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::pgwire {

/// Five characters of 0-9 and A-Z; always valid.
class SqlState {
 public:
  /// From a literal; does not compile for anything that is no SQLSTATE.
  consteval explicit SqlState(const char (&code)[6]) {
    for (std::size_t i = 0; i < 5; ++i) code_[i] = permitted(code[i]) ? code[i] : throw "not a SQLSTATE";
  }
  [[nodiscard]] static constexpr std::optional<SqlState> parse(std::string_view text) noexcept {
    if (text.size() != 5) return std::nullopt;
    SqlState state;
    for (std::size_t i = 0; i < 5; ++i) {
      if (!permitted(text[i])) return std::nullopt;
      state.code_[i] = text[i];
    }
    return state;
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {code_.data(), code_.size()}; }
  friend constexpr bool operator==(const SqlState&, const SqlState&) = default;

 private:
  constexpr SqlState() = default;
  static constexpr bool permitted(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); }
  std::array<char, 5> code_{};
};

namespace sqlstate {
inline constexpr SqlState kSuccessfulCompletion{"00000"};
inline constexpr SqlState kWarning{"01000"};
inline constexpr SqlState kConnectionException{"08000"};
inline constexpr SqlState kSqlClientUnableToEstablishConnection{"08001"};
inline constexpr SqlState kSqlServerRejectedConnection{"08004"};
inline constexpr SqlState kConnectionFailure{"08006"};
inline constexpr SqlState kProtocolViolation{"08P01"};
inline constexpr SqlState kFeatureNotSupported{"0A000"};
inline constexpr SqlState kInvalidParameterValue{"22023"};
inline constexpr SqlState kActiveSqlTransaction{"25001"};
inline constexpr SqlState kReadOnlySqlTransaction{"25006"};
inline constexpr SqlState kInFailedSqlTransaction{"25P02"};
inline constexpr SqlState kIdleInTransactionSessionTimeout{"25P03"};
inline constexpr SqlState kInvalidAuthorizationSpecification{"28000"};
inline constexpr SqlState kInvalidPassword{"28P01"};
inline constexpr SqlState kInvalidCatalogName{"3D000"};
inline constexpr SqlState kSerializationFailure{"40001"};
inline constexpr SqlState kInsufficientPrivilege{"42501"};
inline constexpr SqlState kSyntaxError{"42601"};
inline constexpr SqlState kInvalidName{"42602"};
inline constexpr SqlState kUndefinedObject{"42704"};
inline constexpr SqlState kDuplicateObject{"42710"};
inline constexpr SqlState kDuplicatePreparedStatement{"42P05"};
inline constexpr SqlState kUndefinedPreparedStatement{"26000"};
inline constexpr SqlState kOutOfMemory{"53200"};
inline constexpr SqlState kTooManyConnections{"53300"};
inline constexpr SqlState kConfigurationLimitExceeded{"53400"};
inline constexpr SqlState kProgramLimitExceeded{"54000"};
inline constexpr SqlState kObjectNotInPrerequisiteState{"55000"};
inline constexpr SqlState kQueryCanceled{"57014"};
inline constexpr SqlState kAdminShutdown{"57P01"};
inline constexpr SqlState kCrashShutdown{"57P02"};
inline constexpr SqlState kCannotConnectNow{"57P03"};
inline constexpr SqlState kIdleSessionTimeout{"57P05"};
inline constexpr SqlState kSystemError{"58000"};
inline constexpr SqlState kIoError{"58030"};
inline constexpr SqlState kInternalError{"XX000"};
}  // namespace sqlstate

/// What a client is told when all that is known is the condition. Where more is known (28P01
/// after a password, 53300 at the limit of connections) the caller says so itself.
[[nodiscard]] SqlState sqlstate_of(Errc code) noexcept;

}  // namespace bartizan::pgwire
