// Decoders for what clients send after startup (PostgreSQL manual, "Message Formats", the ones
// marked F). A payload is what follows the length word. Structs are views into it, valid as
// long as its bytes are; a decoder accepts exactly one whole payload, to its last byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/decode_error.hpp"
#include "bartizan/pgwire/payload_lists.hpp"

namespace bartizan::pgwire {

struct Query {
  std::string_view query;
};

struct Parse {
  std::string_view statement;
  std::string_view query;
  OidListView parameter_types;
};

/// The offsets are from the payload's start, for a writer that replaces one part of it.
struct Bind {
  std::string_view portal;
  std::string_view statement;
  Int16ListView parameter_formats;
  ValueListView parameters;
  Int16ListView result_formats;
  std::size_t parameter_formats_offset = 0;  ///< of the Int16 count, as the next two
  std::size_t parameters_offset = 0;
  std::size_t result_formats_offset = 0;
};

enum class TargetKind : char { Statement = 'S', Portal = 'P' };

struct Describe {
  TargetKind kind = TargetKind::Statement;
  std::string_view name;
};

struct Close {
  TargetKind kind = TargetKind::Statement;
  std::string_view name;
};

struct Execute {
  std::string_view portal;
  std::int32_t max_rows = 0;  ///< zero or less: all
};

/// Only recognised; its arguments are not read.
struct FunctionCall {
  std::uint32_t function_oid = 0;
};

struct CopyFail {
  std::string_view message;
};

/// Secret in part: not to be logged.
struct SaslInitialResponse {
  std::string_view mechanism;
  std::optional<ByteView> data;
};

struct SaslResponse {
  ByteView data;
};

/// Secret: put it into SecretBytes and wipe the buffer.
struct PasswordMessage {
  std::string_view password;
};

[[nodiscard]] Decoded<Query> decode_query(ByteView payload) noexcept;
[[nodiscard]] Decoded<Parse> decode_parse(ByteView payload) noexcept;
/// BadValue when there are several parameter formats but not one for each parameter.
[[nodiscard]] Decoded<Bind> decode_bind(ByteView payload) noexcept;
[[nodiscard]] Decoded<Describe> decode_describe(ByteView payload) noexcept;
[[nodiscard]] Decoded<Close> decode_close(ByteView payload) noexcept;
[[nodiscard]] Decoded<Execute> decode_execute(ByteView payload) noexcept;
[[nodiscard]] Decoded<FunctionCall> decode_function_call(ByteView payload) noexcept;
[[nodiscard]] Decoded<CopyFail> decode_copy_fail(ByteView payload) noexcept;
[[nodiscard]] Decoded<SaslInitialResponse> decode_sasl_initial_response(ByteView payload) noexcept;
[[nodiscard]] Decoded<SaslResponse> decode_sasl_response(ByteView payload) noexcept;
[[nodiscard]] Decoded<PasswordMessage> decode_password_message(ByteView payload) noexcept;
/// Sync, Flush, Terminate, CopyDone; and of the backend's: ParseComplete, BindComplete,
/// CloseComplete, NoData, PortalSuspended, EmptyQueryResponse, CopyDone.
[[nodiscard]] Decoded<void> decode_empty(ByteView payload) noexcept;

/// What stands at the front of Bind and Parse, for a message of which only the first part is
/// buffered: nullopt until both strings are complete in prefix.
struct BindNames {
  std::string_view portal;
  std::string_view statement;
};
[[nodiscard]] std::optional<BindNames> decode_bind_names(ByteView prefix) noexcept;

struct ParsePrefix {
  std::string_view statement;
  std::string_view query;
};
[[nodiscard]] std::optional<ParsePrefix> decode_parse_prefix(ByteView prefix) noexcept;

}  // namespace bartizan::pgwire
