// Messages with cells in them, written anew.
#include <algorithm>

#include "bartizan/cells/session_cells.hpp"
#include "bartizan/pgwire/message_types.hpp"
#include "bartizan/transform/messages.hpp"
#include "bound_rows.hpp"

namespace bartizan::cells {

namespace {

namespace be = pgwire::backend;

constexpr std::size_t kMaxFieldBytes = std::size_t{256} << 20;
constexpr std::int16_t kBinary = 1;
constexpr pgwire::SqlState kInvalidText = *pgwire::SqlState::parse("22P02");
constexpr pgwire::SqlState kTooLong = *pgwire::SqlState::parse("22001");
constexpr pgwire::SqlState kDateOutOfRange = *pgwire::SqlState::parse("22008");
constexpr pgwire::SqlState kInvalidValue = *pgwire::SqlState::parse("22023");
constexpr pgwire::SqlState kOutOfRange = *pgwire::SqlState::parse("22003");
constexpr std::size_t kCopyMessageBytes = std::size_t{256} << 10;

tl::unexpected<Error> broken() { return fail(Errc::Malformed, "a message does not fit its statement"); }

std::int16_t format_in(const std::vector<std::int16_t>* formats, std::size_t i) noexcept {
  if (formats == nullptr || formats->empty()) return 0;
  if (formats->size() == 1) return formats->front();
  return i < formats->size() ? (*formats)[i] : std::int16_t{0};
}

Result<void> written(const pgwire::MessageWriter& writer, std::size_t before, Bytes& out) {
  if (writer.ok()) return {};
  secure_wipe(out.data() + before, out.size() - before);
  out.resize(before);
  return fail(Errc::TooLarge, "the rewritten message is longer than permitted");
}

const sql::OutputOp* op_at(const std::vector<sql::OutputOp>& ops, std::size_t& next, std::size_t index) noexcept {
  if (next >= ops.size() || ops[next].index != index) return nullptr;
  return &ops[next++];
}

}  // namespace

pgwire::ErrorReport SessionCells::report_of(const Error& error) {
  pgwire::ErrorReport report;
  report.message = error.detail;
  if (error.code == Errc::TooLarge) {
    report.sqlstate = pgwire::sqlstate::kProgramLimitExceeded;
  } else if (error.code == Errc::Unsupported) {
    report.sqlstate = pgwire::sqlstate::kFeatureNotSupported;
    report.hint = "Send the value in ISO 8601 or in binary; see the reference of SQL on encrypted columns.";
  } else if (error.code == Errc::PermissionDenied || error.code == Errc::FailedPrecondition) {
    report.sqlstate = pgwire::sqlstate::kInsufficientPrivilege;
    report.hint = "An operator finds out more with `bartizan key list`.";
  } else if (error.code == Errc::InvalidArgument || error.code == Errc::Malformed) {
    const auto says = [&](std::string_view word) { return error.detail.find(word) != std::string::npos; };
    const bool range = says("range") || says("overflow");
    report.sqlstate = says("too long") || (range && says("character varying")) ? kTooLong
                      : range && (says("date") || says("timestamp"))           ? kDateOutOfRange
                      : range                                                  ? kOutOfRange
                                                                               : kInvalidText;
    if (says("alphabet")) {
      report.sqlstate = kInvalidValue;
      report.hint =
          "What has another form can't have a token of it: declare other separators or another alphabet, or encrypt "
          "the column instead of tokenising it.";
    }
  } else {
    report.message = "the value can't be encrypted";
  }
  return report;
}

Result<void> SessionCells::bind(const CellText& text, const pgwire::Bind& bind, std::string_view statement_name,
                                const ReadSettings& settings, Bytes& out) {
  renew();
  reading_ = value_settings(settings);
  std::vector<std::optional<ByteView>> values;
  for (const auto value : bind.parameters) values.push_back(value);
  if (values.size() != text.parameter_types.size() && !text.parameters.empty())
    return fail(Errc::Malformed, "the number of parameters is not that of the statement");
  const auto before = out.size();
  pgwire::MessageWriter writer(out);
  writer.begin(pgwire::frontend::kBind);
  writer.cstring(bind.portal);
  writer.cstring(statement_name);
  const bool as_given = text.parameters.empty();
  const std::size_t count = as_given ? values.size() : text.parameters.size();
  writer.count(count);
  for (std::size_t i = 0; as_given && i < count; ++i)
    writer.be16(static_cast<std::uint16_t>(pgwire::format_of(bind.parameter_formats, i)));
  for (const auto& parameter : text.parameters)
    writer.be16(static_cast<std::uint16_t>(parameter.action == sql::CellAction::Pass
                                               ? pgwire::format_of(bind.parameter_formats, parameter.client)
                                               : kBinary));
  writer.count(count);
  for (std::size_t i = 0; as_given && i < count; ++i) writer.value(values[i]);
  for (const auto& parameter : text.parameters) {
    if (parameter.client >= values.size()) return broken();
    const auto& value = values[parameter.client];
    if (parameter.action == sql::CellAction::Pass || !value) {
      writer.value(value);
      continue;
    }
    auto format = transform::wire_format_of(pgwire::format_of(bind.parameter_formats, parameter.client));
    const sql::Oid given = parameter.client < text.parameter_types.size() ? text.parameter_types[parameter.client] : 0;
    std::optional<transform::RowDigest> row;
    Result<void> done;
    if (!format) done = tl::unexpected(format.error());
    if (parameter.row != 0) {
      auto of = written_row(text.rows, parameter.row, &bind);
      if (of) row = *of;
      if (!of) done = tl::unexpected(of.error());
    }
    Bytes made;
    if (done)
      done =
          transformed(*depot_, parameter.action, parameter.column, *format, *value, given, row ? &*row : nullptr, made);
    if (!done) {
      out.resize(before);
      return done;
    }
    writer.value(made);
  }
  // One format is for all columns; of several, those that the client does not know of come in text.
  const std::size_t formats = bind.result_formats.size();
  const std::size_t more = formats > 1 && !text.statements.empty() ? text.statements[0].hidden : 0;
  writer.count(formats + more);
  for (std::size_t i = 0; i < formats; ++i) writer.be16(static_cast<std::uint16_t>(bind.result_formats[i]));
  for (std::size_t i = 0; i < more; ++i) writer.be16(0);
  writer.end();
  return written(writer, before, out);
}

Result<void> SessionCells::describe_parameters(const CellText& text, ByteView payload, Bytes& out) {
  const auto told = pgwire::decode_parameter_description(payload);
  if (!told) return broken();
  std::vector<sql::Oid> server;
  for (std::size_t i = 0; i < told->types.size(); ++i) server.push_back(told->types[i]);
  const bool as_told = text.parameters.empty();
  if (!as_told && server.size() != text.parameters.size()) return broken();
  const auto before = out.size();
  pgwire::MessageWriter writer(out);
  writer.begin(be::kParameterDescription);
  const std::size_t count = as_told ? server.size() : text.parameter_types.size();
  writer.count(count);
  for (std::size_t i = 0; i < count; ++i) {
    const sql::Oid logical = as_told ? 0 : text.parameter_types[i];
    writer.be32(logical != 0 ? logical : i < server.size() ? server[i] : 0);
  }
  writer.end();
  return written(writer, before, out);
}

Result<void> SessionCells::describe_row(const CellText& text, std::size_t statement, ByteView payload, Bytes& out) {
  const auto told = pgwire::decode_row_description(payload);
  const CellStatement* const of = text.statement(statement);
  if (!told || of == nullptr || of->hidden > told->size()) return broken();
  const std::size_t shown = told->size() - of->hidden;
  told_binary_.clear();
  const auto before = out.size();
  pgwire::MessageWriter writer(out);
  writer.begin(be::kRowDescription);
  writer.count(shown);
  std::size_t next = 0;
  std::size_t index = 0;
  for (const auto field : *told) {
    told_binary_.push_back(field.format == kBinary ? 1 : 0);
    if (index >= shown) continue;
    const auto* const op = op_at(of->columns, next, index++);
    writer.cstring(field.name);
    writer.be32(field.table_oid);
    writer.be16(static_cast<std::uint16_t>(field.attribute_number));
    writer.be32(op != nullptr ? op->type.oid : field.type_oid);
    writer.be16(static_cast<std::uint16_t>(op != nullptr ? op->type.typlen : field.type_size));
    writer.be32(static_cast<std::uint32_t>(op != nullptr ? op->type.typmod : field.type_modifier));
    writer.be16(static_cast<std::uint16_t>(field.format));
  }
  writer.end();
  if (next != of->columns.size()) {
    out.resize(before);
    return broken();
  }
  return written(writer, before, out);
}

Result<void> SessionCells::row(const CellText& text, std::size_t statement, const Formats& formats,
                               const ReadSettings& settings, ByteView payload, Bytes& out) {
  renew();
  reading_ = value_settings(settings);
  const auto row = pgwire::decode_data_row(payload);
  const CellStatement* const of = text.statement(statement);
  if (!row || of == nullptr) return broken();
  thread_local std::vector<transform::RowOp> ops;
  ops.clear();
  thread_local ReadRows rows;
  rows.begin(of->columns.size());
  for (const auto& column : of->columns) {
    transform::RowOp op;
    op.index = column.index;
    op.column = cipher_of(*depot_, column.column);
    const CellColumn* const known = column_of(*depot_, column.column);
    if (ops.empty()) wrong_column_ = known == nullptr ? std::string() : known->name;
    if (op.column == nullptr) {
      wrong_column_ = known == nullptr ? std::string() : known->name;
      return fail(Errc::Crypto, transform::kCellDoesNotOpen);
    }
    // A Query's formats the server alone knows: those of a binary cursor are binary.
    const auto format_of = [&](std::size_t i) {
      const bool binary = formats ? format_in(formats.get(), i) == kBinary : tells_binary(i);
      return binary ? transform::WireFormat::Binary : transform::WireFormat::Text;
    };
    op.client_format = op.server_format = format_of(column.index);
    if (!column.key.empty()) {
      if (rows.empty())
        for (const auto value : row->columns) rows.add({value, format_of(rows.size())});
      const auto digest = rows.digest(ops.size(), column.index, column.key);
      if (!digest) {
        wrong_column_ = known == nullptr ? std::string() : known->name;
        return tl::unexpected(digest.error());
      }
      op.row = *digest;
    }
    ops.push_back(op);
  }
  return transform::rewrite_data_row(*row, ops, reading_, kMaxFieldBytes, out, of->hidden);
}

Result<void> SessionCells::begin_copy(const CellText& text, std::size_t statement, const ReadSettings& settings) {
  end_copy();
  renew();
  const CellStatement* const of = text.statement(statement);
  if (of == nullptr || !of->copy) return {};
  const auto& plan = *of->copy;
  using PlanFormat = sql::CopyPlan::Format;
  transform::CopyOptions options;
  const bool csv = plan.format == PlanFormat::Csv;
  options.format = csv                                 ? transform::CopyFormat::Csv
                   : plan.format == PlanFormat::Binary ? transform::CopyFormat::Binary
                                                       : transform::CopyFormat::Text;
  options.delimiter = plan.delimiter.empty() ? (csv ? ',' : '\t') : plan.delimiter[0];
  options.null_text = plan.null_text.value_or(csv ? "" : "\\N");
  if (!plan.quote.empty()) options.quote = plan.quote[0];
  options.escape = plan.escape.empty() ? options.quote : plan.escape[0];
  options.header = plan.header;
  std::vector<transform::CopyOp> ops;
  for (const auto& column : of->columns) {
    const auto& cipher = ciphers_.shared_column(*depot_, column.column, facts_.tenant, class_columns_.get());
    const CellColumn* const known = column_of(*depot_, column.column);
    wrong_column_ = known == nullptr ? std::string() : known->name;
    if (cipher == nullptr)
      return fail(Errc::PermissionDenied, "column " + wrong_column_ + ": there is no key that this session may use");
    ops.push_back({column.index, cipher.get(), copied_key(column.key)});
    copied_.push_back({column.column, cipher});
  }
  copy_settings_ = value_settings(settings);
  BZ_TRY(auto made,
         transform::CopyTransform::make(plan.in ? transform::CopyDirection::In : transform::CopyDirection::Out, options,
                                        plan.width, ops, copy_settings_, ciphers_.random(), {}));
  copy_.emplace(std::move(made));
  return {};
}

void SessionCells::end_copy() noexcept {
  copy_.reset();
  copied_.clear();
}

namespace {

void append_copy_data(ByteView data, Bytes& out) {
  while (!data.empty()) {
    const auto part = data.first(std::min(data.size(), kCopyMessageBytes));
    out.push_back(static_cast<std::byte>('d'));
    out.resize(out.size() + 4);
    store_be32(out.data() + out.size() - 4, static_cast<std::uint32_t>(part.size() + 4));
    out.insert(out.end(), part.begin(), part.end());
    data = data.subspan(part.size());
  }
}

}  // namespace

/// A COPY goes on by the keys that it began with, for as long as there are keys for it at all.
Result<void> SessionCells::keys_of_copy_stand() {
  if (holder_.changes() == seen_changes_) return {};
  renew();
  for (const auto& column : copied_) {
    const auto* const now = cipher_of(*depot_, column.number);
    if (now != nullptr && now->subjects() == column.cipher->subjects()) continue;
    const CellColumn* const known = column_of(*depot_, column.number);
    wrong_column_ = known == nullptr ? std::string() : known->name;
    if (now != nullptr)
      return fail(Errc::PermissionDenied,
                  "column " + wrong_column_ + ": keys of a data subject were destroyed meanwhile; copy again");
    return fail(Errc::PermissionDenied,
                "column " + wrong_column_ + ": there is no key any more that this session may use");
  }
  return {};
}

/// Which of several it was is not known.
Result<void> SessionCells::naming_column(Result<void> done) const {
  if (done || copied_.size() != 1 || done.error().code != Errc::InvalidArgument) return done;
  return fail(done.error().code, "column " + wrong_column_ + ": " + done.error().detail);
}

Result<void> SessionCells::copy(ByteView payload, Bytes& out) {
  BZ_CHECK(keys_of_copy_stand());
  scratch_.clear();
  auto fed = naming_column(copy_->feed(payload, scratch_));
  if (fed) append_copy_data(scratch_, out);
  secure_wipe(scratch_.data(), scratch_.size());
  return fed;
}

Result<void> SessionCells::finish_copy(Bytes& out) {
  scratch_.clear();
  auto done = naming_column(copy_->finish(scratch_));
  if (done) append_copy_data(scratch_, out);
  secure_wipe(scratch_.data(), scratch_.size());
  end_copy();
  return done;
}

void SessionCells::scrub(char type, ByteView payload, bool edited, Bytes& out) {
  pgwire::MessageWriter writer(out);
  writer.begin(type);
  if (const auto fields = pgwire::decode_report(payload)) {
    for (const auto field : *fields) {
      // DETAIL shows keys, CONTEXT lines of COPY, the type is the cells' domain; places are in our text.
      constexpr std::string_view kLeftOut = "DWqpd";
      if (kLeftOut.find(field.code) != std::string_view::npos || (edited && field.code == 'P')) continue;
      writer.u8(static_cast<std::uint8_t>(field.code));
      writer.cstring(field.value);
    }
  }
  writer.u8(0);
  writer.end();
}

}  // namespace bartizan::cells
