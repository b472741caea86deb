#include "bartizan/transform/messages.hpp"

#include <optional>
#include <vector>

#include "bartizan/pgwire/message_types.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace bartizan::transform {
namespace {

constexpr std::uint16_t kBinaryFormat = 1;

tl::unexpected<Error> does_not_fit() {
  return fail(Errc::FailedPrecondition, "the message does not have the fields of its statement");
}

/// On an error nothing of the message, nor of a plaintext in it, stays in out.
Result<void> keep_if(Result<void> done, const pgwire::MessageWriter& writer, std::size_t before, Bytes& out) {
  if (done && !writer.ok()) done = fail(Errc::TooLarge, "the rewritten message is longer than permitted");
  if (!done) {
    secure_wipe(out.data() + before, out.size() - before);
    out.resize(before);
  }
  return done;
}

template <class Op>
bool ascending(std::span<const Op> ops, std::size_t fields) {
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (ops[i].column == nullptr || ops[i].index >= fields || (i > 0 && ops[i - 1].index >= ops[i].index)) return false;
  return true;
}

Result<void> apply(const BindOp& op, WireFormat format, ByteView field, const ValueSettings& settings, Random& random,
                   BoundedBytes& out) {
  switch (op.action) {
    case BindAction::Encrypt: return op.column->encrypt(format, field, settings, op.row, random, out);
    case BindAction::BlindIndex: return op.column->blind_index(format, field, settings, out);
    case BindAction::BlindIndexArray: return op.column->blind_index_array(format, field, settings, out);
  }
  return does_not_fit();
}

Result<void> write_parameters(const pgwire::Bind& bind, std::span<const BindOp> ops, const ValueSettings& settings,
                              Random& random, std::size_t max_field_bytes, pgwire::MessageWriter& writer) {
  writer.count(bind.parameters.size());
  std::size_t index = 0, next = 0;
  Bytes field;
  for (const auto value : bind.parameters) {
    const bool changed = next < ops.size() && ops[next].index == index;
    const BindOp* op = changed ? &ops[next++] : nullptr;
    if (op == nullptr || !value) {  // NULL stays NULL
      writer.value(value);
    } else {
      BZ_TRY(const auto format, wire_format_of(format_of(bind.parameter_formats, index)));
      field.clear();
      BoundedBytes made(field, max_field_bytes);
      BZ_CHECK(apply(*op, format, *value, settings, random, made));
      writer.value(field);
    }
    ++index;
  }
  return {};
}

Result<void> write_result_formats(const pgwire::Bind& bind, const ResultFormats& results,
                                  pgwire::MessageWriter& writer) {
  const auto& asked = bind.result_formats;
  if (results.cells.empty()) {
    writer.count(asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i) writer.be16(static_cast<std::uint16_t>(asked[i]));
    return {};
  }
  if (asked.size() > 1 && asked.size() != results.column_count) return does_not_fit();
  writer.count(results.column_count);
  std::size_t next = 0;
  for (std::uint16_t i = 0; i < results.column_count; ++i) {
    const bool cell = next < results.cells.size() && results.cells[next] == i;
    next += cell ? 1 : 0;
    writer.be16(cell ? kBinaryFormat : static_cast<std::uint16_t>(pgwire::format_of(asked, i)));
  }
  return next == results.cells.size() ? Result<void>() : does_not_fit();
}

Result<void> write_bind(const pgwire::Bind& bind, std::span<const BindOp> ops, const ResultFormats& results,
                        const ValueSettings& settings, Random& random, std::size_t max_field_bytes,
                        pgwire::MessageWriter& writer) {
  writer.begin(pgwire::frontend::kBind);
  writer.cstring(bind.portal);
  writer.cstring(bind.statement);
  writer.count(bind.parameters.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < bind.parameters.size(); ++i) {
    const bool changed = next < ops.size() && ops[next].index == i;
    next += changed ? 1 : 0;
    writer.be16(changed ? kBinaryFormat : static_cast<std::uint16_t>(pgwire::format_of(bind.parameter_formats, i)));
  }
  BZ_CHECK(write_parameters(bind, ops, settings, random, max_field_bytes, writer));
  BZ_CHECK(write_result_formats(bind, results, writer));
  writer.end();
  return {};
}

struct RowScratch {
  WipedBytes value;
  Bytes cell;
};

Result<void> write_row(const pgwire::DataRow& row, std::span<const RowOp> ops, const ValueSettings& settings,
                       std::size_t max_field_bytes, std::size_t shown_columns, RowScratch& scratch,
                       pgwire::MessageWriter& writer) {
  writer.begin(pgwire::backend::kDataRow);
  writer.count(shown_columns);
  std::size_t index = 0, next = 0;
  for (const auto value : row.columns) {
    if (index == shown_columns) break;
    const bool changed = next < ops.size() && ops[next].index == index;
    ++index;
    const RowOp* op = changed ? &ops[next++] : nullptr;
    if (op == nullptr || !value) {
      writer.value(value);
      continue;
    }
    BZ_TRY(const ByteView cell, stored_in_field(*op->column, op->server_format, *value, scratch.cell));
    auto& field = scratch.value.use(2 * cell.size());
    BoundedBytes made(field, max_field_bytes);
    BZ_TRY(const bool shown, op->column->show(cell, op->row, op->client_format, settings, made));
    writer.value(shown ? std::optional(ByteView(field)) : std::nullopt);
  }
  writer.end();
  return {};
}

}  // namespace

Result<void> rewrite_bind(const pgwire::Bind& bind, std::span<const BindOp> ops, const ResultFormats& results,
                          const ValueSettings& settings, Random& random, std::size_t max_field_bytes, Bytes& out) {
  if (!ascending(ops, bind.parameters.size())) return does_not_fit();
  const auto before = out.size();
  pgwire::MessageWriter writer(out);
  return keep_if(write_bind(bind, ops, results, settings, random, max_field_bytes, writer), writer, before, out);
}

Result<void> rewrite_data_row(const pgwire::DataRow& row, std::span<const RowOp> ops, const ValueSettings& settings,
                              std::size_t max_field_bytes, Bytes& out, std::size_t hidden) {
  if (hidden > row.columns.size() || !ascending(ops, row.columns.size() - hidden)) return does_not_fit();
  const auto before = out.size();
  pgwire::MessageWriter writer(out);
  thread_local RowScratch scratch;
  auto done = write_row(row, ops, settings, max_field_bytes, row.columns.size() - hidden, scratch, writer);
  scratch.value.clear();
  return keep_if(std::move(done), writer, before, out);
}

}  // namespace bartizan::transform
