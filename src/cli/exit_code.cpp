#include "bartizan/cli/exit_code.hpp"

namespace bartizan::cli {

ExitCode exit_code_of(Errc code) noexcept {
  switch (code) {
    case Errc::InvalidArgument: return ExitCode::Usage;
    case Errc::Unauthenticated:
    case Errc::PermissionDenied:
    case Errc::NotFound:
    case Errc::AlreadyExists:
    case Errc::Conflict:
    case Errc::FailedPrecondition:
    case Errc::ResourceExhausted:
    case Errc::TooLarge:
    case Errc::Cancelled:
    case Errc::Unsupported: return ExitCode::Refused;
    case Errc::Unavailable:
    case Errc::DeadlineExceeded: return ExitCode::Unreachable;
    case Errc::Malformed:
    case Errc::Io:
    case Errc::Crypto:
    case Errc::Internal: return ExitCode::Fault;
  }
  return ExitCode::Fault;
}

}  // namespace bartizan::cli
