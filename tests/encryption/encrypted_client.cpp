#include "encrypted_client.hpp"

#include <doctest/doctest.h>

#include "bartizan/keys/derivation.hpp"
#include "bartizan/transform/column_cipher.hpp"

namespace bartizan::rehearsal {

namespace {

constexpr std::size_t kLimit = std::size_t{1} << 24;

Uuid numbered(std::string_view prefix, std::uint64_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, 12 - digits.size(), '0');
  return *Uuid::parse(std::string(prefix) + "-0000-4000-8000-" + digits);
}

keys::KeyringRoot root(std::uint32_t id, keys::KeyPurpose purpose, char fill) {
  auto made = keys::KeyringRoot::make(keys::KeyId(id), purpose, keys::KeyringOwner::of_tenant(numbered("7e9a1c52", 1)),
                                      SecretBytes(std::string(32, fill)));
  REQUIRE(made);
  return std::move(*made);
}

transform::EncryptedColumn column_of(const sql::EncryptedColumnSpec& spec) {
  const Uuid column = numbered("c01d0000", spec.number);
  transform::ColumnKeySet keys;
  auto data = keys::derive_column_keys(root(5, keys::KeyPurpose::Data, 'd'), column);
  REQUIRE(data);
  keys.readable.push_back(std::move(*data));
  keys.active = keys::KeyId(5);
  for (std::uint32_t version = 0; spec.searchable && version < spec.index_versions; ++version) {
    auto index = keys::derive_index_key(root(7 + version, keys::KeyPurpose::Index, static_cast<char>('i' + version)),
                                        numbered("d0a10000", spec.join_domain));
    REQUIRE(index);
    keys.index.push_back(std::move(*index));
  }
  const auto type = transform::value_type_of(spec.type.oid);
  REQUIRE(type);
  auto cipher = transform::ColumnCipher::make(
      {numbered("7e9a1c52", 1), column, static_cast<std::uint16_t>(spec.number), *type, false}, std::move(keys));
  REQUIRE(cipher);
  return transform::EncryptedColumn(std::move(*cipher), spec.type.typmod);
}

}  // namespace

EncryptedClient::EncryptedClient(PGconn* connection, std::shared_ptr<const sql::EncryptedColumns> columns,
                                 const std::vector<sql::EncryptedColumnSpec>& specs)
    : connection_(connection), columns_(std::move(columns)) {
  for (const sql::EncryptedColumnSpec& spec : specs) ciphers_.emplace(spec.number, column_of(spec));
}

Result<Bytes> EncryptedClient::transformed(sql::CellAction action, std::uint32_t column, transform::WireFormat format,
                                           ByteView value) {
  Bytes bytes;
  transform::BoundedBytes out(bytes, kLimit);
  transform::EncryptedColumn& cipher = ciphers_.at(column);
  switch (action) {
    case sql::CellAction::Encrypt:
      BZ_CHECK(cipher.encrypt(format, value, settings_, nullptr, system_random(), out));
      return bytes;
    case sql::CellAction::BlindIndex: BZ_CHECK(cipher.blind_index(format, value, settings_, out)); return bytes;
    case sql::CellAction::BlindIndexes: BZ_CHECK(cipher.blind_index_array(format, value, settings_, out)); return bytes;
    case sql::CellAction::BlindIndexElements:
    case sql::CellAction::Token:
    case sql::CellAction::TokenCompared:
    case sql::CellAction::TokenElements:
    case sql::CellAction::Pass: break;
  }
  return fail(Errc::Unsupported, "arrays and tokens are not transformed here");
}

std::string EncryptedClient::seal(std::uint32_t column, std::string_view value) {
  auto cell = transformed(sql::CellAction::Encrypt, column, transform::WireFormat::Text, as_bytes(value));
  REQUIRE(cell);
  return std::string(as_chars(*cell));
}

std::string EncryptedClient::open(std::uint32_t column, std::string_view cell) {
  Bytes value;
  transform::BoundedBytes out(value, kLimit);
  const auto opened = ciphers_.at(column).decrypt(as_bytes(cell), nullptr, transform::WireFormat::Text, settings_, out);
  REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().detail));
  return std::string(as_chars(value));
}

std::string EncryptedClient::with_literals(const sql::PlannedStatement& statement, Answer& answer) {
  std::string text;
  std::size_t from = 0;
  for (const sql::LiteralOp& literal : statement.literals) {
    auto bytes = transformed(literal.action, literal.column, transform::WireFormat::Text, literal.value.reveal());
    if (!bytes) {
      answer.error = bytes.error().detail;
      return {};
    }
    Bytes hex;
    transform::BoundedBytes out(hex, kLimit);
    transform::append_bytea_hex(*bytes, out);
    text += statement.server_text.substr(from, literal.offset - from);
    text += "E'\\" + std::string(as_chars(hex)) + "'";
    from = literal.offset + literal.length;
  }
  return text + statement.server_text.substr(from);
}

void EncryptedClient::take(PGresult* result, const std::vector<sql::OutputOp>& columns, Answer& answer) {
  const auto status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    answer.error = PQresultErrorMessage(result);
    return;
  }
  answer.names.clear();
  answer.rows.clear();
  for (int c = 0; c < PQnfields(result); ++c) answer.names.emplace_back(PQfname(result, c));
  for (int r = 0; r < PQntuples(result); ++r) {
    std::vector<Field> row;
    for (int c = 0; c < PQnfields(result); ++c) {
      const std::string text(PQgetvalue(result, r, c), static_cast<std::size_t>(PQgetlength(result, r, c)));
      row.push_back(PQgetisnull(result, r, c) != 0 ? Field() : Field(text));
    }
    for (const sql::OutputOp& op : columns) {
      Field& field = row.at(op.index);
      if (!field) continue;
      Bytes room;
      const auto cell = transform::cell_of_field(transform::WireFormat::Text, as_bytes(*field), room);
      Bytes value;
      transform::BoundedBytes out(value, kLimit);
      const auto opened =
          cell ? ciphers_.at(op.column).decrypt(*cell, nullptr, transform::WireFormat::Text, settings_, out)
               : Result<void>(fail(Errc::Crypto, "no cell"));
      if (!opened) {
        answer.error = opened.error().detail;
        return;
      }
      field = std::string(as_chars(value));
    }
    answer.rows.push_back(std::move(row));
  }
}

Result<transform::CopyTransform> EncryptedClient::copy_transform(const sql::PlannedStatement& statement) {
  transform::CopyOptions options;
  const sql::CopyPlan& copy = *statement.copy;
  options.format = copy.format == sql::CopyPlan::Format::Csv      ? transform::CopyFormat::Csv
                   : copy.format == sql::CopyPlan::Format::Binary ? transform::CopyFormat::Binary
                                                                  : transform::CopyFormat::Text;
  const bool csv = copy.format == sql::CopyPlan::Format::Csv;
  options.delimiter = copy.delimiter.empty() ? (csv ? ',' : '\t') : copy.delimiter[0];
  options.null_text = copy.null_text.value_or(csv ? "" : "\\N");
  if (!copy.quote.empty()) options.quote = copy.quote[0];
  options.escape = copy.escape.empty() ? options.quote : copy.escape[0];
  options.header = copy.header;
  std::vector<transform::CopyOp> ops;
  for (const sql::OutputOp& column : statement.columns) ops.push_back({column.index, &ciphers_.at(column.column)});
  return transform::CopyTransform::make(copy.in ? transform::CopyDirection::In : transform::CopyDirection::Out, options,
                                        copy.width, ops, settings_, system_random(), {});
}

void EncryptedClient::take_copy(const sql::PlannedStatement& statement, Answer& answer) {
  auto copy =
      statement.copy ? copy_transform(statement) : Result<transform::CopyTransform>(fail(Errc::Unsupported, ""));
  Bytes out;
  char* buffer = nullptr;
  for (int size = 0; (size = PQgetCopyData(connection_.get(), &buffer, 0)) > 0; PQfreemem(buffer)) {
    const ByteView data = as_bytes(std::string_view(buffer, static_cast<std::size_t>(size)));
    const auto fed = copy ? copy->feed(data, out) : (out.insert(out.end(), data.begin(), data.end()), Result<void>());
    if (!fed) answer.error = fed.error().detail;
  }
  if (copy && answer.error.empty()) {
    const auto finished = copy->finish(out);
    if (!finished) answer.error = finished.error().detail;
  }
  answer.copied = std::string(as_chars(out));
}

void EncryptedClient::remember(const sql::PlannedStatement& statement) {
  if (statement.kind == sql::Kind::Prepare || statement.kind == sql::Kind::Declare) {
    auto kept = std::make_shared<sql::PlannedStatement>();
    kept->parameters = statement.parameters;
    kept->parameter_types = statement.parameter_types;
    kept->columns = statement.columns;
    auto& names = statement.kind == sql::Kind::Prepare ? prepared_ : cursors_;
    names[statement.name] = statement.touched ? kept : nullptr;
  }
}

Answer EncryptedClient::refused_or(std::string_view text, sql::EncryptionOutcome& outcome) {
  sql::EncryptionRequest request;
  request.text = text;
  request.columns = columns_.get();
  request.search_path = {"public"};
  request.prepared = &prepared_;
  request.cursors = &cursors_;
  outcome = sql::plan_encryption(request);
  Answer answer;
  if (const auto* refused = std::get_if<sql::Refused>(&outcome)) {
    answer.refused = true;
    answer.error = refused->sqlstate + " " + refused->message;
  }
  return answer;
}

Answer EncryptedClient::run(std::string_view text) {
  sql::EncryptionOutcome outcome;
  Answer answer = refused_or(text, outcome);
  if (answer.refused) return answer;
  std::vector<sql::PlannedStatement> untouched(1);
  untouched[0].server_text = text;
  auto* const plan = std::get_if<sql::EncryptionPlan>(&outcome);
  const auto& statements = plan != nullptr ? plan->statements : untouched;
  for (const sql::PlannedStatement& statement : statements) {
    const std::string server_text = with_literals(statement, answer);
    if (!answer.error.empty()) return answer;
    sent_.push_back(server_text);
    const Result_ result(PQexec(connection_.get(), server_text.c_str()));
    if (PQresultStatus(result.get()) == PGRES_COPY_OUT) {
      take_copy(statement, answer);
      while (const Result_ more{PQgetResult(connection_.get())}) {
      }
    } else {
      take(result.get(), statement.columns, answer);
    }
    if (!answer.error.empty()) return answer;
    remember(statement);
  }
  return answer;
}

Answer EncryptedClient::run(std::string_view text, const std::vector<Field>& values, bool binary) {
  sql::EncryptionOutcome outcome;
  Answer answer = refused_or(text, outcome);
  if (answer.refused) return answer;
  std::vector<sql::PlannedStatement> untouched(1);
  untouched[0].server_text = text;
  auto* const plan = std::get_if<sql::EncryptionPlan>(&outcome);
  const sql::PlannedStatement& statement = plan != nullptr ? plan->statements[0] : untouched[0];
  std::vector<sql::ServerParameter> parameters = statement.parameters;
  for (std::uint16_t i = 0; parameters.empty() && i < values.size(); ++i) parameters.push_back({i});
  if (!statement.parameters.empty()) REQUIRE(values.size() == statement.parameter_types.size());
  std::vector<std::string> fields(parameters.size());
  std::vector<const char*> pointers;
  std::vector<int> lengths;
  std::vector<int> formats;
  std::vector<Oid> types;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Field& value = values.at(parameters[i].client);
    const bool pass = parameters[i].action == sql::CellAction::Pass;
    if (value && !pass) {
      const auto format = binary ? transform::WireFormat::Binary : transform::WireFormat::Text;
      auto bytes = transformed(parameters[i].action, parameters[i].column, format, as_bytes(*value));
      if (!bytes) {
        answer.error = bytes.error().detail;
        return answer;
      }
      fields[i] = std::string(as_chars(*bytes));
    } else if (value) {
      fields[i] = *value;
    }
    pointers.push_back(value ? fields[i].data() : nullptr);
    lengths.push_back(static_cast<int>(fields[i].size()));
    formats.push_back(pass ? 0 : 1);
    types.push_back(parameters[i].server_type);
  }
  const std::string server_text = with_literals(statement, answer);
  if (!answer.error.empty()) return answer;
  sent_.push_back(server_text);
  const Result_ result(PQexecParams(connection_.get(), server_text.c_str(), static_cast<int>(parameters.size()),
                                    types.data(), pointers.data(), lengths.data(), formats.data(), 0));
  take(result.get(), statement.columns, answer);
  return answer;
}

Answer EncryptedClient::copy_in(std::string_view text, std::string_view data) {
  sql::EncryptionOutcome outcome;
  Answer answer = refused_or(text, outcome);
  if (answer.refused) return answer;
  auto* const plan = std::get_if<sql::EncryptionPlan>(&outcome);
  REQUIRE(plan != nullptr);
  const sql::PlannedStatement& statement = plan->statements[0];
  auto copy = copy_transform(statement);
  REQUIRE(copy);
  Bytes out;
  auto fed = copy->feed(as_bytes(data), out);
  if (fed) fed = copy->finish(out);
  const Result_ started(PQexec(connection_.get(), statement.server_text.c_str()));
  if (PQresultStatus(started.get()) != PGRES_COPY_IN) {
    answer.error = PQresultErrorMessage(started.get());
    return answer;
  }
  if (fed) PQputCopyData(connection_.get(), as_chars(out).data(), static_cast<int>(out.size()));
  PQputCopyEnd(connection_.get(), fed ? nullptr : "a value can't be encrypted");
  while (const Result_ result{PQgetResult(connection_.get())}) {
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) answer.error = PQresultErrorMessage(result.get());
  }
  return answer;
}

}  // namespace bartizan::rehearsal
