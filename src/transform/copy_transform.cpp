#include "bartizan/transform/copy_transform.hpp"

#include <algorithm>
#include <utility>

#include "copy_rows.hpp"

namespace bartizan::transform {
namespace {

tl::unexpected<Error> bad_options() { return fail(Errc::InvalidArgument, "the options of COPY are not acceptable"); }

bool is_newline(char c) { return c == '\n' || c == '\r'; }

/// ProcessCopyOptions of PostgreSQL, as far as it keeps rows unambiguous.
bool acceptable(const CopyOptions& options) {
  if (options.format == CopyFormat::Binary) return !options.header;
  if (is_newline(options.delimiter) || options.delimiter == '\0') return false;
  if (options.null_text.find_first_of(std::string("\r\n") + options.delimiter) != std::string::npos) return false;
  if (options.format == CopyFormat::Text) {
    constexpr std::string_view kNoDelimiter = "\\.abcdefghijklmnopqrstuvwxyz0123456789";
    return kNoDelimiter.find(options.delimiter) == std::string_view::npos;
  }
  for (const char c : {options.quote, options.escape})
    if (is_newline(c) || c == '\0') return false;
  return options.quote != options.delimiter && options.null_text.find(options.quote) == std::string::npos;
}

}  // namespace

const CopyOp* CopyFields::op_of(std::size_t index) const noexcept {
  const auto found = std::find_if(ops_.begin(), ops_.end(), [&](const auto& op) { return op.index == index; });
  return found == ops_.end() ? nullptr : &*found;
}

Result<std::optional<ByteView>> CopyFields::replace(const CopyOp& op, WireFormat format, ByteView field) {
  EncryptedColumn& column = *op.column;
  std::optional<RowDigest> bound;
  if (!op.key.empty()) {
    BZ_TRY(bound, keys_.digest(op.key, format, direction_ == CopyDirection::In));
  }
  const RowDigest* const row = bound ? &*bound : nullptr;
  if (direction_ == CopyDirection::Out) {
    BZ_TRY(const auto cell, stored_in_field(column, format, field, cell_));
    BoundedBytes made(replacement_.use(2 * cell.size()), max_field_bytes_);
    BZ_TRY(const bool shown, column.show(cell, row, format, settings_, made));
    return shown ? std::optional(replacement_.view()) : std::nullopt;
  }
  cell_.clear();
  BoundedBytes cell(cell_, max_field_bytes_);
  BZ_CHECK(column.encrypt(format, field, settings_, row, random_, cell));
  if (format == WireFormat::Binary || column.holds_tokens()) return std::optional(ByteView(cell_));
  BoundedBytes text(replacement_.use(2 * cell_.size() + 2), 2 * max_field_bytes_ + 2);
  append_bytea_hex(cell_, text);
  return std::optional(replacement_.view());
}

tl::unexpected<Error> bad_copy_data(std::string_view what) {
  return fail(Errc::Malformed, std::string("COPY data: ").append(what));
}

CopyLine split_terminator(ByteView row) noexcept {
  const auto text = as_chars(row);
  const std::size_t size = text.ends_with("\r\n") ? 2 : text.ends_with('\n') ? 1 : 0;
  return {text.substr(0, text.size() - size), text.substr(text.size() - size)};
}

void append_chars(Bytes& out, std::string_view text) {
  const auto bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

namespace {

/// A row that fails leaves nothing of itself behind, no plaintext above all.
Result<void> whole_row(Result<void> written, std::size_t before, Bytes& out) {
  if (!written) {
    secure_wipe(out.data() + before, out.size() - before);
    out.resize(before);
  }
  return written;
}

}  // namespace

struct CopyTransform::State {
  State(CopyFields copied, const CopyOptions& options, const Limits& limits_given)
      : fields(std::move(copied)), limits(limits_given) {
    switch (options.format) {
      case CopyFormat::Text: rows = make_copy_text(options, fields); break;
      case CopyFormat::Csv: rows = make_copy_csv(options, fields); break;
      case CopyFormat::Binary: rows = make_copy_binary(fields); break;
    }
  }
  CopyFields fields;
  Limits limits;
  std::unique_ptr<CopyRows> rows;
  WipedBytes pending;
};

CopyTransform::CopyTransform(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
CopyTransform::CopyTransform(CopyTransform&&) noexcept = default;
CopyTransform& CopyTransform::operator=(CopyTransform&&) noexcept = default;
CopyTransform::~CopyTransform() = default;

Result<CopyTransform> CopyTransform::make(CopyDirection direction, const CopyOptions& options,
                                          std::uint16_t column_count, std::span<const CopyOp> ops,
                                          const ValueSettings& settings, Random& random, const Limits& limits) {
  if (!acceptable(options) || column_count == 0) return bad_options();
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].column == nullptr || ops[i].index >= column_count || (i > 0 && ops[i - 1].index >= ops[i].index))
      return fail(Errc::InvalidArgument, "the operations do not fit the columns of the COPY");
    if (ops[i].column->place().row_bound != !ops[i].key.empty())
      return fail(Errc::Unsupported, "a row-bound column can be copied along with its key alone");
    for (const auto& part : ops[i].key)
      if (part.index >= column_count) return fail(Errc::InvalidArgument, "a key does not fit the columns of the COPY");
  }
  CopyFields fields(direction, column_count, ops, settings, random, limits.max_field_bytes);
  return CopyTransform(std::make_unique<State>(std::move(fields), options, limits));
}

Result<void> CopyTransform::feed(ByteView data, Bytes& out) {
  State& state = *state_;
  state.pending.append(data);
  std::size_t done = 0;
  while (!state.rows->ended()) {
    const auto rest = state.pending.view().subspan(done);
    BZ_TRY(const auto size, state.rows->find_row(rest));
    if (!size) {
      if (rest.size() > state.limits.max_row_bytes) return fail(Errc::TooLarge, "a row of the COPY is too long");
      break;
    }
    const auto before = out.size();
    auto written = whole_row(state.rows->write_row(rest.first(*size), out), before, out);
    state.fields.forget();
    if (!written) return written;
    done += *size;
  }
  if (state.rows->ended())
    state.pending.clear();  // the server ignores what follows the marker: it does not get it
  else
    state.pending.drop_front(done);
  return {};
}

Result<void> CopyTransform::finish(Bytes& out) {
  State& state = *state_;
  const auto before = out.size();
  auto written = state.rows->ended() ? Result<void>() : state.rows->write_rest(state.pending.view(), out);
  written = whole_row(std::move(written), before, out);
  state.fields.forget();
  state.pending.clear();
  return written;
}

}  // namespace bartizan::transform
