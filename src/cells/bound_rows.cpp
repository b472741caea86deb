#include "bound_rows.hpp"

#include "bartizan/transform/column_cipher.hpp"

namespace bartizan::cells {

namespace {

tl::unexpected<Error> no_key() {
  return fail(Errc::InvalidArgument, "the key of a row that is to be written is not valid");
}

/// The i-th of Bind's parameters. nullopt: there is none.
std::optional<std::optional<ByteView>> parameter(const pgwire::Bind& bind, std::size_t wanted) {
  std::size_t i = 0;
  for (const auto value : bind.parameters)
    if (i++ == wanted) return value;
  return std::nullopt;
}

}  // namespace

Result<transform::RowDigest> written_row(const std::vector<sql::WrittenRow>& rows, std::uint16_t number,
                                         const pgwire::Bind* bind) {
  if (number == 0 || number > rows.size()) return fail(Errc::Internal, "a row without a key");
  std::vector<transform::RowKeyField> fields;
  for (const sql::WrittenKeyPart& part : rows[number - 1U]) {
    const auto type = transform::value_type_of(part.type);
    if (!type) return no_key();
    transform::RowKeyField field{*type, part.typmod, transform::WireFormat::Text, as_bytes(part.constant), *type};
    if (part.parameter) {
      const auto value = bind == nullptr ? std::nullopt : parameter(*bind, part.client);
      const auto given = transform::value_type_of(part.given);
      if (!value || !*value || !given) return no_key();
      BZ_TRY(field.format, transform::wire_format_of(pgwire::format_of(bind->parameter_formats, part.client)));
      field.field = **value;
      field.given = *given;
    }
    fields.push_back(field);
  }
  auto digest = transform::row_digest_of(fields);
  if (!digest) return fail(digest.error().code, "the key of a row: " + digest.error().detail);
  return digest;
}

std::vector<transform::RowKeyColumn> copied_key(const std::vector<sql::RowKeyOutput>& key) {
  std::vector<transform::RowKeyColumn> out;
  for (const auto& part : key) {
    const auto type = transform::value_type_of(part.type);
    if (!type) return {};
    out.push_back({part.index, *type, part.typmod});
  }
  return out;
}

Result<const transform::RowDigest*> ReadRows::digest(std::size_t cell, std::size_t index,
                                                     const std::vector<sql::RowKeyOutput>& key) {
  transform::RowDigest& digest = digests_.at(cell);
  if (index >= fields_.size() || !fields_[index].value) return &digest;
  if (known_ != nullptr && *known_ == key) return &(digest = digests_[last_]);
  parts_.clear();
  for (const auto& part : key) {
    const auto type = transform::value_type_of(part.type);
    if (!type || part.index >= fields_.size()) return fail(Errc::Crypto, transform::kCellDoesNotOpen);
    const auto& field = fields_[part.index];
    parts_.push_back({*type, transform::kNoTypmod, field.format, field.value, *type});
  }
  const auto made = transform::row_digest_of(parts_);
  if (!made) return fail(Errc::Crypto, transform::kCellDoesNotOpen);
  digest = *made;
  known_ = &key;
  last_ = cell;
  return &digest;
}

}  // namespace bartizan::cells
