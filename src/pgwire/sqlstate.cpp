#include "bartizan/pgwire/sqlstate.hpp"

namespace bartizan::pgwire {

SqlState sqlstate_of(Errc code) noexcept {
  switch (code) {
    case Errc::InvalidArgument: return sqlstate::kInvalidParameterValue;
    case Errc::Malformed: return sqlstate::kProtocolViolation;
    case Errc::TooLarge: return sqlstate::kProgramLimitExceeded;
    case Errc::Unauthenticated: return sqlstate::kInvalidAuthorizationSpecification;
    case Errc::PermissionDenied: return sqlstate::kInsufficientPrivilege;
    case Errc::NotFound: return sqlstate::kUndefinedObject;
    case Errc::AlreadyExists: return sqlstate::kDuplicateObject;
    case Errc::Conflict: return sqlstate::kSerializationFailure;
    case Errc::FailedPrecondition: return sqlstate::kObjectNotInPrerequisiteState;
    case Errc::ResourceExhausted: return sqlstate::kConfigurationLimitExceeded;
    case Errc::Unavailable: return sqlstate::kCannotConnectNow;
    case Errc::DeadlineExceeded:
    case Errc::Cancelled: return sqlstate::kQueryCanceled;
    case Errc::Unsupported: return sqlstate::kFeatureNotSupported;
    case Errc::Io: return sqlstate::kIoError;
    case Errc::Crypto: return sqlstate::kSystemError;
    case Errc::Internal: return sqlstate::kInternalError;
  }
  return sqlstate::kInternalError;
}

}  // namespace bartizan::pgwire
