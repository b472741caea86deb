#include "bartizan/base/result.hpp"

#include <cstdio>
#include <cstdlib>

namespace bartizan {

std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::InvalidArgument: return "invalid_argument";
    case Errc::Malformed: return "malformed";
    case Errc::TooLarge: return "too_large";
    case Errc::Unauthenticated: return "unauthenticated";
    case Errc::PermissionDenied: return "permission_denied";
    case Errc::NotFound: return "not_found";
    case Errc::AlreadyExists: return "already_exists";
    case Errc::Conflict: return "conflict";
    case Errc::FailedPrecondition: return "failed_precondition";
    case Errc::ResourceExhausted: return "resource_exhausted";
    case Errc::Unavailable: return "unavailable";
    case Errc::DeadlineExceeded: return "deadline_exceeded";
    case Errc::Cancelled: return "cancelled";
    case Errc::Unsupported: return "unsupported";
    case Errc::Io: return "io";
    case Errc::Crypto: return "crypto";
    case Errc::Internal: return "internal";
  }
  return "internal";
}

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "bartizan: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace bartizan
