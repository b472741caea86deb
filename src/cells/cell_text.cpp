// From a client's text to the server's: asks the planner, and seals the constants that it took out.
#include <algorithm>

#include "array_indexes.hpp"
#include "bartizan/cells/session_cells.hpp"
#include "bound_rows.hpp"
#include "session_settings.hpp"

namespace bartizan::cells {

namespace {

/// A longer text is not parsed on the data path.
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxFieldBytes = std::size_t{256} << 20;
constexpr std::uint32_t kByteaOid = 17, kTextOid = 25;

void append_be16(Bytes& out, std::size_t value) {
  out.resize(out.size() + 2);
  store_be16(out.data() + out.size() - 2, static_cast<std::uint16_t>(value));
}

void append_be32(Bytes& out, std::uint32_t value) {
  out.resize(out.size() + 4);
  store_be32(out.data() + out.size() - 4, value);
}

std::vector<sql::Oid> types_on_wire(ByteView bytes) {
  std::vector<sql::Oid> out;
  ByteReaderView reader(bytes);
  const auto count = reader.be16();
  for (std::size_t i = 0; count && i < *count; ++i)
    if (const auto oid = reader.be32()) out.push_back(*oid);
  return out;
}

/// As a literal that reads the same under every setting.
void append_escape_string(std::string& out, std::string_view value) {
  out.append("E'");
  for (const char c : value) {
    if (c == '\'' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  out.push_back('\'');
}

/// What EXECUTE and FETCH need to know of a statement, without its constants.
std::shared_ptr<const sql::PlannedStatement> kept_of(const sql::PlannedStatement& planned) {
  if (!planned.touched) return nullptr;
  auto kept = std::make_shared<sql::PlannedStatement>();
  kept->kind = planned.kind;
  kept->touched = true;
  kept->parameters = planned.parameters;
  kept->parameter_types = planned.parameter_types;
  kept->columns = planned.columns;
  kept->hidden = planned.hidden;
  kept->rows = planned.rows;
  return kept;
}

/// The elements of a bytea[] in binary that the transform made: each of one index's length.
std::vector<std::optional<Bytes>> indexes_in(ByteView array) {
  std::vector<std::optional<Bytes>> out;
  constexpr std::size_t kHeader = 20;
  constexpr std::size_t kStride = 4 + transform::kBlindIndexBytes;
  for (std::size_t at = kHeader; at + kStride <= array.size(); at += kStride) {
    const auto index = array.subspan(at + 4, transform::kBlindIndexBytes);
    out.emplace_back(Bytes(index.begin(), index.end()));
  }
  return out;
}

bool is_integer(transform::ValueType type) noexcept {
  return type == transform::ValueType::Int2 || type == transform::ValueType::Int4 || type == transform::ValueType::Int8;
}

/// An integer that was sent in binary as another integer type than the column's: nullopt for all others.
std::optional<std::string> as_decimal(transform::ValueType column, transform::WireFormat format, ByteView value,
                                      sql::Oid given) {
  const auto type = transform::value_type_of(given);
  if (!type || *type == column || !is_integer(column) || !is_integer(*type)) return std::nullopt;
  if (format != transform::WireFormat::Binary || value.empty() || value.size() > 8) return std::nullopt;
  const std::size_t width = *type == transform::ValueType::Int2 ? 2 : *type == transform::ValueType::Int4 ? 4 : 8;
  if (value.size() != width) return std::nullopt;
  std::uint64_t bits = (std::to_integer<unsigned>(value[0]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (const auto byte : value) bits = (bits << 8) | std::to_integer<unsigned>(byte);
  return std::to_string(static_cast<std::int64_t>(bits));
}

/// An integer in text that the column can't hold, and that PostgreSQL would compare with it all the same.
bool is_wider_integer(transform::ValueType column, transform::WireFormat format, ByteView value) {
  if (!is_integer(column) || column == transform::ValueType::Int8 || format != transform::WireFormat::Text)
    return false;
  Bytes canonical;
  transform::BoundedBytes out(canonical, 64);
  return transform::to_canonical(transform::ValueType::Int8, transform::kNoTypmod, format, value, {}, out).has_value();
}

/// Of a binary array with a header.
sql::Oid element_type(ByteView array) noexcept { return array.size() < 12 ? 0 : load_be32(array.data() + 8); }

std::shared_ptr<CellText> refused_text(policy::Refuse refuse) {
  auto made = std::make_shared<CellText>();
  made->refusal = std::move(refuse);
  return made;
}

}  // namespace

bool SessionCells::asks_names(const sql::Analysis* analysis) noexcept {
  if (analysis == nullptr) return true;
  return std::ranges::any_of(analysis->statements, [](const sql::Statement& each) {
    return !each.parsed || each.kind == sql::Kind::Execute || each.kind == sql::Kind::Fetch ||
           each.kind == sql::Kind::Explain || (each.kind == sql::Kind::Ddl && !each.name.empty());
  });
}

std::shared_ptr<const CellText> SessionCells::read(std::string_view text, ByteView parameter_types,
                                                   const sql::Analysis* analysis, const ReadSettings& settings) {
  renew();
  if (!settings.client_encoding.empty() && settings.client_encoding != "UTF8")
    return refused_text(
        refusal("0A000", "a client_encoding other than UTF8 is not supported in a database with encrypted columns",
                "SET client_encoding = 'UTF8', or connect with it.", "cells.encoding"));
  if (!settings.lex.standard_conforming_strings)
    return refused_text(
        refusal("0A000", "standard_conforming_strings = off is not supported in a database with encrypted columns",
                "SET standard_conforming_strings = on.", "cells.setting"));
  if (analysis != nullptr)
    if (auto refuse = refuse_setting(text, *analysis, settings.lex, facts_.of_class.has_value()))
      return refused_text(std::move(*refuse));
  if (columns() == nullptr)
    return refused_text(refusal("57P03", "the encrypted columns of this database can't be used now",
                                "Connect again. An operator finds out why in the log.", "cells.class"));
  const auto awaited = awaited_look_;
  bool cacheable = temporary_.empty() && new_tables_.empty() && !asks_names(analysis);
  if (cacheable) {
    composed_.assign(reinterpret_cast<const char*>(&depot_->version), sizeof(depot_->version));
    if (facts_.of_class) {
      composed_.push_back('\1');
      composed_.append(reinterpret_cast<const char*>(&facts_.of_class->version), sizeof(policy::ClassVersion));
    }
    if (!facts_.detokenizes.empty()) {
      const auto& numbers = facts_.detokenizes;
      composed_.push_back('\2');
      composed_.append(std::to_string(numbers.size())).push_back('\0');
      composed_.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(numbers.front()));
    }
    for (const auto& schema : facts_.search_path) composed_.append(schema).push_back('\0');
    composed_.push_back('\0');
    composed_.append(as_chars(parameter_types)).push_back('\0');
    composed_.append(std::to_string(parameter_types.size())).push_back('\0');
    composed_.append(text);
  }
  auto found = cacheable ? ciphers_.find(composed_) : std::nullopt;
  auto made = found ? std::move(*found) : plan(text, parameter_types, settings, cacheable);
  if (!found && cacheable) ciphers_.keep(composed_, made);
  // What has been defined is to be seen in the catalogs, with its logical types. Waited for once a text: more
  // may be defined all the time.
  if (made != nullptr && made->reads_catalogs) {
    const bool waited = awaited != 0 && holder_.looked() >= awaited;
    awaited_look_ = waited || holder_.asked() <= holder_.looked() ? 0 : holder_.asked();
  }
  secure_wipe(composed_.data(), composed_.size());
  // A plan holds for every tenant, keys don't: better told now than at the first row.
  const auto unusable = [&](std::uint32_t column) { return cipher_of(*depot_, column) == nullptr; };
  const CellColumn* shut = nullptr;
  if (made != nullptr && !made->refusal) {
    for (const auto& parameter : made->parameters)
      if (parameter.action != sql::CellAction::Pass && unusable(parameter.column))
        shut = column_of(*depot_, parameter.column);
    for (const auto& statement : made->statements)
      for (const auto& column : statement.columns)
        if (unusable(column.column)) shut = column_of(*depot_, column.column);
  }
  if (shut == nullptr) return made;
  return refused_text(refusal("42501", "column " + shut->name + ": there is no key that this session may use",
                              "Its keys are another tenant's, or they were destroyed: `bartizan key list`.",
                              "cells.no_key"));
}

std::shared_ptr<const CellText> SessionCells::plan(std::string_view text, ByteView parameter_types,
                                                   const ReadSettings& settings, bool& cacheable) {
  sql::EncryptionRequest request;
  request.text = text;
  request.columns = columns();
  if (!facts_.of_class) request.search_path = facts_.search_path;  // layer 1's names are qualified
  request.temporary = temporary_;
  request.new_tables = new_tables_;
  request.parameter_types = types_on_wire(parameter_types);
  request.prepared = &plans_;
  request.cursors = &cursors_;
  request.standard_conforming_strings = settings.lex.standard_conforming_strings;
  request.max_bytes = kMaxTextBytes;
  auto outcome = sql::plan_encryption(request);
  if (!std::holds_alternative<sql::Refused>(outcome)) awaited_look_ = 0;
  if (std::holds_alternative<sql::Untouched>(outcome)) return nullptr;
  if (auto* refused = std::get_if<sql::Refused>(&outcome)) {
    if (class_columns_ != nullptr) refused->message = class_columns_->shown(std::move(refused->message));
    auto made = refused_text(
        refusal(refused->sqlstate, std::move(refused->message), std::move(refused->hint), "cells.statement"));
    if (!facts_.of_class) made->position = static_cast<std::uint32_t>(refused->position);
    // Tables that have just been made are not in the catalog yet.
    if (refused->sqlstate == "42P01" && !facts_.of_class) {
      const bool looked = awaited_look_ != 0 && holder_.looked() >= awaited_look_;
      if (looked) awaited_look_ = 0;
      if (!looked && awaited_look_ == 0) awaited_look_ = holder_.ask_to_look();
      cacheable = false;
    } else {
      awaited_look_ = 0;
    }
    return made;
  }
  auto& planned = std::get<sql::EncryptionPlan>(outcome);
  auto made = std::make_shared<CellText>();
  made->depot = depot_;
  reading_ = value_settings(settings);
  for (auto& statement : planned.statements) {
    cacheable = cacheable && statement.literals.empty();
    made->reads_catalogs = made->reads_catalogs || statement.reads_catalogs;
    for (const auto& literal : statement.literals) made->constants.push_back(literal.column);
    auto server_text = with_literals(*depot_, statement);
    if (!server_text) {
      const auto report = report_of(server_text.error());
      return refused_text(refusal(report.sqlstate.view(), report.message, report.hint, "cells.value"));
    }
    if (!made->server_text.empty()) made->server_text.push_back(';');
    made->server_text.append(*server_text);
    CellStatement out;
    if (facts_.of_class) out.server_text = std::move(*server_text);
    out.kind = statement.kind;
    out.columns = statement.columns;
    out.hidden = statement.hidden;
    out.copy = statement.copy;
    if (statement.kind == sql::Kind::Prepare || statement.kind == sql::Kind::Declare) {
      out.name = statement.name;
      out.named = kept_of(statement);
    }
    made->statements.push_back(std::move(out));
  }
  made->edited = made->server_text != text;
  // PREPARE's parameters are EXECUTE's arguments, not the protocol's.
  if (planned.statements.size() == 1 && planned.statements[0].kind != sql::Kind::Prepare) {
    made->parameters = planned.statements[0].parameters;
    made->parameter_types = planned.statements[0].parameter_types;
    made->rows = planned.statements[0].rows;
  }
  if (made->parameters.empty()) {
    made->server_types.assign(parameter_types.begin(), parameter_types.end());
    return made;
  }
  append_be16(made->server_types, made->parameters.size());
  for (const auto& parameter : made->parameters) {
    const bool declared = parameter.server_type == 0 && parameter.client < request.parameter_types.size();
    append_be32(made->server_types, declared ? request.parameter_types[parameter.client] : parameter.server_type);
  }
  return made;
}

/// One bytea[] in binary: the value's index under each key in use.
Result<void> SessionCells::indexes_of(transform::EncryptedColumn& cipher, transform::WireFormat format, ByteView value,
                                      sql::Oid given, Bytes& out) {
  transform::BoundedBytes bounded(out, kMaxFieldBytes);
  const auto decimal = as_decimal(cipher.place().type, format, value, given);
  const ByteView field = decimal ? as_bytes(*decimal) : value;
  if (decimal) format = transform::WireFormat::Text;
  auto done = cipher.blind_index_array(format, field, reading_, bounded);
  if (done || !is_wider_integer(cipher.place().type, format, field)) return done;
  // No value of the column is equal to one that it can't hold, and none has this index.
  Bytes none(transform::kBlindIndexBytes);
  ciphers_.random().fill(none);
  out.clear();
  append_array({none}, kByteaOid, out);
  return {};
}

Result<void> SessionCells::token_of(transform::EncryptedColumn& cipher, sql::CellAction action,
                                    transform::WireFormat format, ByteView value, Bytes& out) {
  transform::BoundedBytes bounded(out, kMaxFieldBytes);
  if (action == sql::CellAction::Token)
    return cipher.encrypt(format, value, reading_, nullptr, ciphers_.random(), bounded);
  if (action == sql::CellAction::TokenCompared) return cipher.compared_token(format, value, reading_, bounded);
  BZ_TRY(const auto elements, array_elements(format, value));
  std::vector<std::optional<Bytes>> tokens;
  for (const auto& element : elements) {
    if (!element) {
      tokens.emplace_back(std::nullopt);
      continue;
    }
    Bytes made;
    transform::BoundedBytes token(made, kMaxFieldBytes);
    BZ_CHECK(cipher.compared_token(format, element->reveal(), reading_, token));
    tokens.emplace_back(std::move(made));
  }
  append_array(tokens, kTextOid, out);
  return {};
}

Result<void> SessionCells::transformed(const EncryptedDepot& depot, sql::CellAction action, std::uint32_t column,
                                       transform::WireFormat format, ByteView value, sql::Oid given,
                                       const transform::RowDigest* row, Bytes& out) {
  const CellColumn* const known = column_of(depot, column);
  wrong_column_ = known == nullptr ? std::string() : known->name;
  const auto of_column = [&](Result<void> done) -> Result<void> {
    if (done) return done;
    return fail(done.error().code, "column " + wrong_column_ + ": " + done.error().detail);
  };
  transform::EncryptedColumn* const cipher = cipher_of(depot, column);
  if (cipher == nullptr) return of_column(fail(Errc::PermissionDenied, "there is no key that this session may use"));
  if (action == sql::CellAction::Pass) return fail(Errc::Internal, "nothing to transform");
  if (sql::makes_token(action)) return of_column(token_of(*cipher, action, format, value, out));
  if (action == sql::CellAction::Encrypt) {
    transform::BoundedBytes bounded(out, kMaxFieldBytes);
    const auto decimal = as_decimal(cipher->place().type, format, value, given);
    return of_column(cipher->encrypt(decimal ? transform::WireFormat::Text : format,
                                     decimal ? as_bytes(*decimal) : value, reading_, row, ciphers_.random(), bounded));
  }
  if (action == sql::CellAction::BlindIndexes) return of_column(indexes_of(*cipher, format, value, given, out));
  if (action == sql::CellAction::BlindIndex) {
    Bytes made;
    if (auto done = indexes_of(*cipher, format, value, given, made); !done) return of_column(std::move(done));
    const auto indexes = indexes_in(made);
    if (indexes.empty()) return of_column(fail(Errc::Internal, "no index was made"));
    out.insert(out.end(), indexes.front()->begin(), indexes.front()->end());
    return {};
  }
  auto elements = array_elements(format, value);
  if (!elements) return of_column(tl::unexpected(elements.error()));
  const sql::Oid of_elements = format == transform::WireFormat::Binary ? element_type(value) : 0;
  std::vector<std::optional<Bytes>> indexes;
  for (const auto& element : *elements) {
    if (!element) {
      indexes.emplace_back(std::nullopt);
      continue;
    }
    Bytes made;
    if (auto done = indexes_of(*cipher, format, element->reveal(), of_elements, made); !done)
      return of_column(std::move(done));
    for (auto& index : indexes_in(made)) indexes.push_back(std::move(index));
  }
  append_array(indexes, kByteaOid, out);
  return {};
}

Result<std::string> SessionCells::with_literals(const EncryptedDepot& depot, const sql::PlannedStatement& statement) {
  std::string text;
  std::size_t from = 0;
  for (const sql::LiteralOp& literal : statement.literals) {
    scratch_.clear();
    std::optional<transform::RowDigest> row;
    if (literal.row != 0) {
      BZ_TRY(row, written_row(statement.rows, literal.row, nullptr));
    }
    BZ_CHECK(transformed(depot, literal.action, literal.column, transform::WireFormat::Text, literal.value.reveal(),
                         literal.type, row ? &*row : nullptr, scratch_));
    text.append(statement.server_text, from, literal.offset - from);
    if (sql::makes_array(literal.action)) {
      auto elements = array_elements(transform::WireFormat::Binary, scratch_);
      if (!elements) return tl::unexpected(elements.error());
      std::vector<std::optional<Bytes>> bytes;
      for (const auto& element : *elements) {
        if (element)
          bytes.emplace_back(Bytes(element->reveal().begin(), element->reveal().end()));
        else
          bytes.emplace_back(std::nullopt);
      }
      append_escape_string(text, sql::makes_token(literal.action) ? text_array_text(bytes) : bytea_array_text(bytes));
    } else if (sql::makes_token(literal.action)) {
      append_escape_string(text, as_chars(scratch_));
    } else {
      append_escape_string(text, "\\x" + hex_encode(scratch_));
    }
    from = literal.offset + literal.length;
  }
  return text.append(statement.server_text, from, std::string::npos);
}

}  // namespace bartizan::cells
