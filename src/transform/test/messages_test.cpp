#include "bartizan/transform/messages.hpp"

#include "bartizan/pgwire/writer.hpp"
#include "test_column.hpp"

namespace bartizan::transform {
namespace {

using Value = std::optional<ByteView>;
constexpr std::size_t kMaxField = 1 << 20;
const ValueSettings kSettings{};

/// A Bind or DataRow message without its type byte and length word.
ByteView payload_of(const Bytes& message) { return ByteView(message).subspan(5); }

struct BoundMessage {
  Bytes message;
  pgwire::Bind bind;
};
BoundMessage bind_of(std::vector<std::int16_t> formats, std::vector<Value> values, std::vector<std::int16_t> results) {
  BoundMessage made;
  pgwire::MessageWriter writer(made.message);
  pgwire::write_bind(writer, "portal", "statement", formats, values, results);
  REQUIRE(writer.ok());
  made.bind = pgwire::decode_bind(payload_of(made.message)).value();
  return made;
}

pgwire::Bind decode(const Bytes& message) {
  REQUIRE(message.size() > 5);
  CHECK(message[0] == std::byte{'B'});
  CHECK(load_be32(message.data() + 1) == message.size() - 1);
  const auto bind = pgwire::decode_bind(payload_of(message));
  REQUIRE(bind);
  return *bind;
}
template <class List>
std::vector<Value> values_of(const List& list) {
  std::vector<Value> values;
  for (const auto value : list) values.push_back(value);
  return values;
}
std::vector<std::int16_t> formats_of(const pgwire::Int16ListView& list) {
  std::vector<std::int16_t> formats;
  for (std::size_t i = 0; i < list.size(); ++i) formats.push_back(list[i]);
  return formats;
}
std::string opened(EncryptedColumn& column, ByteView cell, WireFormat format = WireFormat::Text) {
  Bytes field;
  BoundedBytes out(field, kMaxField);
  const auto done = column.decrypt(cell, nullptr, format, kSettings, out);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().detail));
  return std::string(as_chars(field));
}

TEST_CASE("Bind: some parameters become cells, the rest stay, NULL stays NULL") {
  auto text = test::make_column({});
  auto number = test::make_column({.column = test::kOtherColumn, .type = ValueType::Int4});
  const Bytes four{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{4}};
  const auto in =
      bind_of({0, 0, 1, 1, 0}, {as_bytes("plain"), as_bytes("secret"), four, as_bytes("raw"), std::nullopt}, {});
  const BindOp ops[] = {{1, BindAction::Encrypt, &text, nullptr},
                        {2, BindAction::Encrypt, &number, nullptr},
                        {4, BindAction::Encrypt, &text, nullptr}};
  Bytes out = to_bytes("before");
  REQUIRE(rewrite_bind(in.bind, ops, {}, kSettings, system_random(), kMaxField, out));
  const Bytes message(out.begin() + 6, out.end());
  const auto bind = decode(message);
  CHECK(bind.portal == "portal");
  CHECK(bind.statement == "statement");
  CHECK(formats_of(bind.parameter_formats) == std::vector<std::int16_t>{0, 1, 1, 1, 1});
  const auto values = values_of(bind.parameters);
  REQUIRE(values.size() == 5);
  CHECK(as_chars(*values[0]) == "plain");
  CHECK(as_chars(*values[3]) == "raw");
  CHECK_FALSE(values[4].has_value());
  CHECK(opened(text, *values[1]) == "secret");
  CHECK(opened(number, *values[2]) == "4");
  CHECK(as_chars(message).find("secret") == std::string::npos);
}

TEST_CASE("Bind: format codes given once, for all or not at all are spread") {
  auto column = test::make_column({.type = ValueType::Int8});
  const Bytes eight{8, std::byte{0}};
  const BindOp op{1, BindAction::Encrypt, &column, nullptr};
  struct Case {
    std::vector<std::int16_t> formats;
    std::vector<std::int16_t> expected;
    ByteView field;
  };
  for (const auto& [formats, expected, field] :
       {Case{{}, {0, 1, 0}, as_bytes("0")}, Case{{0}, {0, 1, 0}, as_bytes("0")}, Case{{1}, {1, 1, 1}, eight}}) {
    const auto in = bind_of(formats, {as_bytes("a"), field, as_bytes("c")}, {});
    Bytes out;
    REQUIRE(rewrite_bind(in.bind, {&op, 1}, {}, kSettings, system_random(), kMaxField, out));
    const auto bind = decode(out);
    CHECK(formats_of(bind.parameter_formats) == expected);
    CHECK(opened(column, *values_of(bind.parameters)[1]) == "0");
  }
}

TEST_CASE("Bind: blind indexes for a comparison") {
  auto column = test::make_column({.index_ids = {2, 3}}, 4 + 3);
  const auto in = bind_of({}, {as_bytes("longer than the column"), as_bytes("abc")}, {});
  const BindOp ops[] = {{0, BindAction::BlindIndex, &column, nullptr},
                        {1, BindAction::BlindIndexArray, &column, nullptr}};
  Bytes out;
  REQUIRE(rewrite_bind(in.bind, ops, {}, kSettings, system_random(), kMaxField, out));
  const auto values = values_of(decode(out).parameters);
  auto cipher = test::make_cipher({.index_ids = {2, 3}});
  // No typmod in a comparison: a value that is too long is only unequal.
  CHECK(hex_encode(*values[0]) == hex_encode(*cipher.blind_index(as_bytes("longer than the column"))));
  const auto both = *cipher.blind_indexes(as_bytes("abc"));
  CHECK(hex_encode(*values[1]) ==
        "0000000100000000000000110000000200000001"
        "00000010" +
            hex_encode(both[0]) + "00000010" + hex_encode(both[1]));
}

TEST_CASE("Bind: result columns that are cells are asked for in binary") {
  const std::uint16_t cells[] = {1, 3};
  const ResultFormats results{4, cells};
  struct Case {
    std::vector<std::int16_t> asked, expected;
  };
  for (const auto& [asked, expected] :
       {Case{{}, {0, 1, 0, 1}}, Case{{0}, {0, 1, 0, 1}}, Case{{1}, {1, 1, 1, 1}}, Case{{0, 0, 1, 0}, {0, 1, 1, 1}}}) {
    const auto in = bind_of({}, {}, asked);
    Bytes out;
    REQUIRE(rewrite_bind(in.bind, {}, results, kSettings, system_random(), kMaxField, out));
    CHECK(formats_of(decode(out).result_formats) == expected);
    Bytes same;
    REQUIRE(rewrite_bind(in.bind, {}, {}, kSettings, system_random(), kMaxField, same));
    CHECK(same == in.message);
  }
  const auto in = bind_of({}, {}, {0, 0});
  Bytes out;
  CHECK_FALSE(rewrite_bind(in.bind, {}, results, kSettings, system_random(), kMaxField, out));
  const std::uint16_t beyond[] = {4};
  CHECK_FALSE(rewrite_bind(bind_of({}, {}, {}).bind, {}, {4, beyond}, kSettings, system_random(), kMaxField, out));
  CHECK(out.empty());
}

TEST_CASE("Bind: what does not fit is refused whole, and nothing is left in the output") {
  auto column = test::make_column({.type = ValueType::Int4});
  auto unsearchable = test::make_column({.index_ids = {}});
  auto bound = test::make_column({.row_bound = true});
  const auto refused = [&](const BoundMessage& in, std::vector<BindOp> ops, std::size_t limit = kMaxField) {
    Bytes out = to_bytes("before");
    const auto done = rewrite_bind(in.bind, ops, {}, kSettings, system_random(), limit, out);
    REQUIRE_FALSE(done);
    CHECK(as_chars(out) == "before");
    return done.error().code;
  };
  const auto in = bind_of({}, {as_bytes("1"), as_bytes("2")}, {});
  CHECK(refused(in, {{2, BindAction::Encrypt, &column, nullptr}}) == Errc::FailedPrecondition);
  CHECK(refused(in, {{0, BindAction::Encrypt, nullptr, nullptr}}) == Errc::FailedPrecondition);
  CHECK(refused(in, {{1, BindAction::Encrypt, &column, nullptr}, {0, BindAction::Encrypt, &column, nullptr}}) ==
        Errc::FailedPrecondition);
  CHECK(refused(in, {{1, BindAction::Encrypt, &column, nullptr}, {1, BindAction::Encrypt, &column, nullptr}}) ==
        Errc::FailedPrecondition);
  CHECK(refused(in, {{0, BindAction::BlindIndex, &unsearchable, nullptr}}) == Errc::FailedPrecondition);
  CHECK(refused(in, {{0, BindAction::Encrypt, &bound, nullptr}}) == Errc::FailedPrecondition);
  CHECK(refused(in, {{0, BindAction::Encrypt, &column, nullptr}}, 20) == Errc::TooLarge);
  CHECK(refused(bind_of({}, {as_bytes("1"), as_bytes("x")}, {}), {{1, BindAction::Encrypt, &column, nullptr}}) ==
        Errc::InvalidArgument);
  CHECK(refused(bind_of({1}, {as_bytes("1")}, {}), {{0, BindAction::Encrypt, &column, nullptr}}) == Errc::Malformed);
  CHECK(refused(bind_of({7}, {as_bytes("1")}, {}), {{0, BindAction::Encrypt, &column, nullptr}}) == Errc::Malformed);
}

Bytes row_of(std::vector<Value> columns) {
  Bytes message;
  pgwire::MessageWriter writer(message);
  pgwire::write_data_row(writer, columns);
  REQUIRE(writer.ok());
  return message;
}
Bytes cell_of(EncryptedColumn& column, std::string_view value, const RowDigest* row = nullptr) {
  Bytes cell;
  BoundedBytes out(cell, kMaxField);
  REQUIRE(column.encrypt(WireFormat::Text, as_bytes(value), kSettings, row, system_random(), out));
  return cell;
}

TEST_CASE("DataRow: cells in text or binary become values in the format asked") {
  auto column = test::make_column({.type = ValueType::Int4});
  auto bound = test::make_column({.column = test::kOtherColumn, .row_bound = true});
  const RowDigest row = crypto::sha256(as_bytes("row"));
  const Bytes cell = cell_of(column, "258"), bound_cell = cell_of(bound, "text", &row);
  const std::string hex = "\\x" + hex_encode(cell);
  const Bytes message = row_of({as_bytes("a"), cell, as_bytes(hex), std::nullopt, bound_cell, as_bytes("z")});
  const RowOp ops[] = {{1, &column, WireFormat::Binary, WireFormat::Text, nullptr},
                       {2, &column, WireFormat::Text, WireFormat::Binary, nullptr},
                       {3, &column, WireFormat::Binary, WireFormat::Text, nullptr},
                       {4, &bound, WireFormat::Binary, WireFormat::Text, &row}};
  Bytes out;
  REQUIRE(rewrite_data_row(*pgwire::decode_data_row(payload_of(message)), ops, kSettings, kMaxField, out));
  CHECK(out[0] == std::byte{'D'});
  const auto rewritten = pgwire::decode_data_row(payload_of(out));
  REQUIRE(rewritten);
  const auto values = values_of(rewritten->columns);
  REQUIRE(values.size() == 6);
  CHECK(as_chars(*values[0]) == "a");
  CHECK(as_chars(*values[1]) == "258");
  CHECK(hex_encode(*values[2]) == "00000102");
  CHECK_FALSE(values[3].has_value());
  CHECK(as_chars(*values[4]) == "text");
  CHECK(as_chars(*values[5]) == "z");
}

TEST_CASE("DataRow: the last columns are left out where the client has not asked for them") {
  auto column = test::make_column({});
  const Bytes message = row_of({cell_of(column, "text"), as_bytes("a"), as_bytes("42"), std::nullopt});
  const RowOp op{0, &column, WireFormat::Binary, WireFormat::Text, nullptr};
  for (const std::size_t hidden : {0UL, 1UL, 2UL, 3UL}) {
    Bytes out;
    REQUIRE(
        rewrite_data_row(*pgwire::decode_data_row(payload_of(message)), {&op, 1}, kSettings, kMaxField, out, hidden));
    const auto rewritten = pgwire::decode_data_row(payload_of(out));
    REQUIRE(rewritten);
    const auto values = values_of(rewritten->columns);
    REQUIRE(values.size() == 4 - hidden);
    CHECK(as_chars(*values[0]) == "text");
  }
  Bytes out;
  for (const std::size_t hidden : {4UL, 5UL})  // of the cell itself, and of more than there are
    CHECK_FALSE(
        rewrite_data_row(*pgwire::decode_data_row(payload_of(message)), {&op, 1}, kSettings, kMaxField, out, hidden));
  CHECK(out.empty());
}

TEST_CASE("DataRow: one field that does not open, and no byte of the row comes out") {
  auto column = test::make_column({});
  const Bytes good = cell_of(column, "good");
  Bytes bad = good;
  bad.back() ^= std::byte{1};
  const auto refused = [&](ByteView field, WireFormat format) {
    const Bytes message = row_of({good, field});
    const RowOp ops[] = {{0, &column, WireFormat::Binary, WireFormat::Text, nullptr},
                         {1, &column, format, WireFormat::Text, nullptr}};
    Bytes out = to_bytes("before");
    const auto done = rewrite_data_row(*pgwire::decode_data_row(payload_of(message)), ops, kSettings, kMaxField, out);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::Crypto);
    CHECK(done.error().detail == kCellDoesNotOpen);
    CHECK(as_chars(out) == "before");
  };
  refused(bad, WireFormat::Binary);
  refused(as_bytes("plaintext that was never encrypted"), WireFormat::Binary);
  refused(as_bytes("plaintext that was never encrypted"), WireFormat::Text);
  refused(as_bytes("\\x0"), WireFormat::Text);
  refused(as_bytes("\\x" + hex_encode(bad)), WireFormat::Text);
  refused(ByteView{}, WireFormat::Binary);

  const Bytes message = row_of({good});
  const RowOp beyond{1, &column, WireFormat::Binary, WireFormat::Text, nullptr};
  Bytes out;
  CHECK_FALSE(rewrite_data_row(*pgwire::decode_data_row(payload_of(message)), {&beyond, 1}, kSettings, kMaxField, out));
  const RowOp op{0, &column, WireFormat::Binary, WireFormat::Text, nullptr};
  CHECK(rewrite_data_row(*pgwire::decode_data_row(payload_of(message)), {&op, 1}, kSettings, 3, out).error().code ==
        Errc::TooLarge);
}

}  // namespace
}  // namespace bartizan::transform
