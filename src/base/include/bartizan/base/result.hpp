// The one error model. A function that can fail for a reason outside the program returns
// Result<T>; broken invariants of the program itself abort by BZ_ASSERT (fail closed).
//
// Errc names the *condition*, not the module: what a caller can do about it. The mappings to
// SQLSTATE (pgwire), HTTP status (http) and exit code (cli) are one exhaustive switch each.
// detail is for operators: it never contains statement text, row values or secrets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace bartizan {

enum class Errc : std::uint8_t {
  InvalidArgument,     ///< the caller's input is well-formed but not acceptable
  Malformed,           ///< bytes that do not follow their format
  TooLarge,            ///< a length over its limit
  Unauthenticated,     ///< who it is could not be shown
  PermissionDenied,    ///< who it is may not do this
  NotFound,
  AlreadyExists,
  Conflict,            ///< the resource changed since it was read (ETag, version)
  FailedPrecondition,  ///< right request, wrong state
  ResourceExhausted,   ///< a limit on sessions, memory, rate
  Unavailable,         ///< a peer can't be reached now; trying again may help
  DeadlineExceeded,
  Cancelled,
  Unsupported,         ///< understood, and not offered
  Io,                  ///< the operating system refused (disk, socket)
  Crypto,              ///< authentication of bytes failed, or a key is missing
  Internal,            ///< a fault of ours
};

[[nodiscard]] std::string_view to_string(Errc code) noexcept;

struct Error {
  Errc code = Errc::Internal;
  std::string detail;
};

/// tl::expected that may not be ignored.
template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(tl::expected<T, Error> other) : tl::expected<T, Error>(std::move(other)) {}
};

[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string detail) {
  return tl::unexpected<Error>(Error{code, std::move(detail)});
}

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace bartizan

#define BZ_CONCAT_INNER(a, b) a##b
#define BZ_CONCAT(a, b) BZ_CONCAT_INNER(a, b)

/// BZ_TRY(auto x, expr): x = *expr, or return its error.
#define BZ_TRY(declaration, ...)                                                                 \
  auto BZ_CONCAT(bz_try_, __LINE__) = (__VA_ARGS__);                                             \
  if (!BZ_CONCAT(bz_try_, __LINE__))                                                             \
    return ::tl::unexpected<::bartizan::Error>(std::move(BZ_CONCAT(bz_try_, __LINE__)).error()); \
  declaration = std::move(*BZ_CONCAT(bz_try_, __LINE__))

/// BZ_CHECK(expr): return the error of a Result<void>.
#define BZ_CHECK(...) \
  if (auto bz_check = (__VA_ARGS__); !bz_check) return ::tl::unexpected<::bartizan::Error>(std::move(bz_check).error())

/// The same inside a coroutine.
#define BZ_CO_TRY(declaration, ...)                                                                 \
  auto BZ_CONCAT(bz_try_, __LINE__) = __VA_ARGS__;                                                  \
  if (!BZ_CONCAT(bz_try_, __LINE__))                                                                \
    co_return ::tl::unexpected<::bartizan::Error>(std::move(BZ_CONCAT(bz_try_, __LINE__)).error()); \
  declaration = std::move(*BZ_CONCAT(bz_try_, __LINE__))

#define BZ_CO_CHECK(...) \
  if (auto bz_check = __VA_ARGS__; !bz_check) co_return ::tl::unexpected<::bartizan::Error>(std::move(bz_check).error())

/// On in every build. Never on input from outside.
#define BZ_ASSERT(expression) ((expression) ? void(0) : ::bartizan::assertion_failed(#expression, __FILE__, __LINE__))
