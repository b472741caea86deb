#include "bartizan/pgwire/backend_messages.hpp"

#include <algorithm>
#include <charconv>

#include "exact_payload.hpp"

namespace bartizan::pgwire {
namespace {

constexpr std::size_t kMinKeyBytes = 4;
constexpr std::size_t kMaxKeyBytes = 256;
constexpr std::size_t kFieldNumbersBytes = 18;  // of a RowDescription field, after its name

/// The codes of an Authentication message.
enum AuthenticationCode : std::uint32_t {
  kOk = 0,
  kCleartextPassword = 3,
  kMd5Password = 5,
  kSasl = 10,
  kSaslContinue = 11,
  kSaslFinal = 12,
};

}  // namespace

Decoded<Authentication> decode_authentication(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto code = reader.be32();
  if (!code) return truncated();
  const auto rest = payload.subspan(reader.position());
  switch (*code) {
    case kOk: return at_end(reader, Authentication(AuthenticationOk{}));
    case kCleartextPassword: return at_end(reader, Authentication(AuthenticationCleartextPassword{}));
    case kMd5Password: {
      AuthenticationMd5Password md5;
      const auto salt = reader.bytes(md5.salt.size());
      if (!salt) return truncated();
      std::ranges::copy(*salt, md5.salt.begin());
      return at_end(reader, Authentication(md5));
    }
    case kSasl: {
      const auto mechanisms = StringListView::read_until_empty(reader);
      if (!mechanisms) return tl::unexpected(mechanisms.error());
      return at_end(reader, Authentication(AuthenticationSasl{*mechanisms}));
    }
    case kSaslContinue: return Authentication(AuthenticationSaslContinue{rest});
    case kSaslFinal: return Authentication(AuthenticationSaslFinal{rest});
    default: return Authentication(AuthenticationUnsupported{*code});
  }
}

Decoded<ParameterStatus> decode_parameter_status(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto name = reader.cstring();
  const auto value = name ? reader.cstring() : std::nullopt;
  if (!value) return truncated();
  return at_end(reader, ParameterStatus{*name, *value});
}

Decoded<BackendKeyData> decode_backend_key_data(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto process_id = reader.be32();
  if (!process_id || reader.remaining() < kMinKeyBytes) return truncated();
  if (reader.remaining() > kMaxKeyBytes) return tl::unexpected(DecodeError::TrailingBytes);
  return BackendKeyData{*process_id, payload.subspan(reader.position())};
}

Decoded<ReadyForQuery> decode_ready_for_query(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto status = reader.u8();
  if (!status) return truncated();
  if (*status != 'I' && *status != 'T' && *status != 'E') return tl::unexpected(DecodeError::BadValue);
  return at_end(reader, ReadyForQuery{static_cast<TransactionStatus>(*status)});
}

Decoded<ReportFieldsView> ReportFieldsView::read(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  while (true) {
    const auto code = reader.u8();
    if (!code) return truncated();
    if (*code == 0) break;
    if (!reader.cstring()) return truncated();
  }
  ReportFieldsView fields;
  fields.chars_ = as_chars(payload.first(reader.position() - 1));
  return at_end(reader, fields);
}

std::string_view ReportFieldsView::get(ReportField field) const noexcept {
  for (const auto each : *this) {
    if (each.code == static_cast<char>(field)) return each.value;
  }
  return {};
}

std::string_view ReportFieldsView::severity() const noexcept {
  const auto plain = get(ReportField::SeverityUnlocalised);
  return plain.empty() ? get(ReportField::Severity) : plain;
}

Decoded<ReportFieldsView> decode_report(ByteView payload) noexcept { return ReportFieldsView::read(payload); }

Decoded<CommandComplete> decode_command_complete(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto tag = reader.cstring();
  if (!tag) return truncated();
  return at_end(reader, CommandComplete{*tag});
}

std::optional<std::uint64_t> rows_of(std::string_view tag) noexcept {
  const auto space = tag.rfind(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto digits = tag.substr(space + 1);
  std::uint64_t rows = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rows);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return rows;
}

Decoded<RowDescriptionView> RowDescriptionView::read(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto count = reader.be16();
  if (!count) return truncated();
  const auto fields_at = reader.position();
  for (std::size_t i = 0; i < *count; ++i) {
    if (!reader.cstring() || !reader.bytes(kFieldNumbersBytes)) return truncated();
  }
  RowDescriptionView fields;
  fields.count_ = *count;
  fields.bytes_ = payload.subspan(fields_at, reader.position() - fields_at);
  return at_end(reader, fields);
}

FieldDescription RowDescriptionView::Iterator::operator*() const noexcept {
  const auto chars = as_chars(rest_);
  const auto name = chars.substr(0, chars.find('\0'));
  const auto numbers = rest_.subspan(name.size() + 1, kFieldNumbersBytes);
  const auto* p = numbers.data();
  return {name,
          load_be32(p),
          static_cast<std::int16_t>(load_be16(p + 4)),
          load_be32(p + 6),
          static_cast<std::int16_t>(load_be16(p + 10)),
          static_cast<std::int32_t>(load_be32(p + 12)),
          static_cast<std::int16_t>(load_be16(p + 16))};
}

RowDescriptionView::Iterator& RowDescriptionView::Iterator::operator++() noexcept {
  rest_ = rest_.subspan(as_chars(rest_).find('\0') + 1 + kFieldNumbersBytes);
  return *this;
}

Decoded<RowDescriptionView> decode_row_description(ByteView payload) noexcept {
  return RowDescriptionView::read(payload);
}

Decoded<ParameterDescription> decode_parameter_description(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto types = OidListView::read(reader);
  if (!types) return tl::unexpected(types.error());
  return at_end(reader, ParameterDescription{*types});
}

Decoded<DataRow> decode_data_row(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto columns = ValueListView::read(reader);
  if (!columns) return tl::unexpected(columns.error());
  return at_end(reader, DataRow{*columns});
}

Decoded<CopyResponse> decode_copy_response(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto format = reader.u8();
  if (!format) return truncated();
  const auto columns = Int16ListView::read(reader);
  if (!columns) return tl::unexpected(columns.error());
  if (*format > 1) return tl::unexpected(DecodeError::BadValue);
  return at_end(reader, CopyResponse{*format, *columns});
}

Decoded<NegotiateProtocolVersion> decode_negotiate_protocol_version(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto version = reader.be32();
  const auto count = version ? reader.be32() : std::nullopt;
  if (!count) return truncated();
  // Each string takes a byte at least, so a hostile count ends at the payload's end.
  const auto options = StringListView::read(reader, *count);
  if (!options) return tl::unexpected(options.error());
  return at_end(reader, NegotiateProtocolVersion{*version, *options});
}

Decoded<NotificationResponse> decode_notification_response(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto process_id = reader.be32();
  const auto channel = process_id ? reader.cstring() : std::nullopt;
  const auto text = channel ? reader.cstring() : std::nullopt;
  if (!text) return truncated();
  return at_end(reader, NotificationResponse{*process_id, *channel, *text});
}

}  // namespace bartizan::pgwire
