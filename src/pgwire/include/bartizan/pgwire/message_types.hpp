// The type bytes, request codes and length limits of protocol 3 (PostgreSQL manual, "Message
// Formats"), and which length a message of a type may have. The limits follow PostgreSQL's
// own, so that what it would refuse is refused here before anything is buffered.
#pragma once

#include <cstdint>

namespace bartizan::pgwire {

inline constexpr std::uint32_t kProtocol30 = 196608;  ///< 3.0: major in the upper 16 bits
inline constexpr std::uint32_t kCancelRequestCode = 80877102;
inline constexpr std::uint32_t kSslRequestCode = 80877103;
inline constexpr std::uint32_t kGssEncRequestCode = 80877104;

/// The first byte of a TLS record that carries a ClientHello: direct TLS, without SSLRequest.
inline constexpr std::uint8_t kTlsHandshakeRecord = 0x16;

/// Of a startup-phase packet, without its length word (MAX_STARTUP_PACKET_LENGTH).
inline constexpr std::uint32_t kMaxStartupBytes = 10000;
/// Length word of a message before sign-in is complete. A SCRAM message needs under 1 kB and
/// a bearer token a few; PostgreSQL takes up to 65535, but an unknown peer gets here no more
/// memory than its startup packet could take already.
inline constexpr std::uint32_t kMaxPreAuthMessageBytes = 10000;
/// Length word of the messages that carry names and numbers only (PQ_SMALL_MESSAGE_LIMIT).
inline constexpr std::uint32_t kMaxSmallMessageBytes = 10000;
/// The largest allocation of a backend, 1 GiB - 1: no payload is longer in either direction.
inline constexpr std::uint32_t kMaxMessageBytes = 0x3fffffff;

namespace frontend {
inline constexpr char kBind = 'B';
inline constexpr char kClose = 'C';
inline constexpr char kCopyData = 'd';
inline constexpr char kCopyDone = 'c';
inline constexpr char kCopyFail = 'f';
inline constexpr char kDescribe = 'D';
inline constexpr char kExecute = 'E';
inline constexpr char kFlush = 'H';
inline constexpr char kFunctionCall = 'F';
inline constexpr char kParse = 'P';
inline constexpr char kPassword = 'p';  ///< PasswordMessage, SASLInitialResponse, SASLResponse, GSSResponse
inline constexpr char kQuery = 'Q';
inline constexpr char kSync = 'S';
inline constexpr char kTerminate = 'X';
}  // namespace frontend

namespace backend {
inline constexpr char kAuthentication = 'R';
inline constexpr char kBackendKeyData = 'K';
inline constexpr char kBindComplete = '2';
inline constexpr char kCloseComplete = '3';
inline constexpr char kCommandComplete = 'C';
inline constexpr char kCopyBothResponse = 'W';
inline constexpr char kCopyData = 'd';
inline constexpr char kCopyDone = 'c';
inline constexpr char kCopyInResponse = 'G';
inline constexpr char kCopyOutResponse = 'H';
inline constexpr char kDataRow = 'D';
inline constexpr char kEmptyQueryResponse = 'I';
inline constexpr char kErrorResponse = 'E';
inline constexpr char kFunctionCallResponse = 'V';
inline constexpr char kNegotiateProtocolVersion = 'v';
inline constexpr char kNoData = 'n';
inline constexpr char kNoticeResponse = 'N';
inline constexpr char kNotificationResponse = 'A';
inline constexpr char kParameterDescription = 't';
inline constexpr char kParameterStatus = 'S';
inline constexpr char kParseComplete = '1';
inline constexpr char kPortalSuspended = 's';
inline constexpr char kReadyForQuery = 'Z';
inline constexpr char kRowDescription = 'T';
}  // namespace backend

/// The largest length word of a frontend message of this type after sign-in; 0: no such type.
[[nodiscard]] constexpr std::uint32_t max_frontend_length(char type) noexcept {
  switch (type) {
    case frontend::kQuery:
    case frontend::kParse:
    case frontend::kBind:
    case frontend::kFunctionCall:
    case frontend::kCopyData: return kMaxMessageBytes - 1;  // PQ_LARGE_MESSAGE_LIMIT counts the length word
    case frontend::kClose:
    case frontend::kCopyDone:
    case frontend::kCopyFail:
    case frontend::kDescribe:
    case frontend::kExecute:
    case frontend::kFlush:
    case frontend::kSync:
    case frontend::kTerminate: return kMaxSmallMessageBytes;
    case frontend::kPassword: return kMaxPreAuthMessageBytes;
    default: return 0;
  }
}

/// The largest length word of a backend message of this type; 0: no such type. Messages that
/// the gateway reads whole are short by nature and bounded as libpq bounds them; a server that
/// sends more has lost synchronisation or means harm.
[[nodiscard]] constexpr std::uint32_t max_backend_length(char type) noexcept {
  constexpr std::uint32_t kShort = 30000;
  switch (type) {
    case backend::kCopyData:
    case backend::kDataRow:
    case backend::kErrorResponse:
    case backend::kFunctionCallResponse:
    case backend::kNoticeResponse:
    case backend::kNotificationResponse:
    case backend::kParameterStatus:  // search_path and application settings have no bound
    case backend::kRowDescription: return kMaxMessageBytes + 4;
    case backend::kParameterDescription: return 4 + 2 + 65535 * 4;
    case backend::kCopyBothResponse:
    case backend::kCopyInResponse:
    case backend::kCopyOutResponse: return 4 + 1 + 2 + 65535 * 2;
    case backend::kAuthentication:
    case backend::kBackendKeyData:
    case backend::kBindComplete:
    case backend::kCloseComplete:
    case backend::kCommandComplete:
    case backend::kCopyDone:
    case backend::kEmptyQueryResponse:
    case backend::kNegotiateProtocolVersion:
    case backend::kNoData:
    case backend::kParseComplete:
    case backend::kPortalSuspended:
    case backend::kReadyForQuery: return kShort;
    default: return 0;
  }
}

}  // namespace bartizan::pgwire
