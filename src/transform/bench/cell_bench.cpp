// The bars of encrypted columns: at most 2 us to write a cell of 16 bytes with its blind index,
// at most 1 us to read one, on one core.
#include <benchmark/benchmark.h>

#include <string>

#include "bartizan/crypto/buffered_random.hpp"
#include "bartizan/pgwire/writer.hpp"
#include "bartizan/transform/copy_transform.hpp"
#include "bartizan/transform/messages.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::transform;

constexpr std::size_t kLimit = std::size_t{1} << 24;
const FixedTimeZone kUtc{std::chrono::seconds(0)};
const ValueSettings kSettings{.time_zone = &kUtc};

ColumnCipher make_cipher(ValueType type, bool indexed) {
  ColumnKeySet keys;
  keys.readable.push_back({keys::KeyId(5), SecretBytes(std::string(32, 'd')), SecretBytes(std::string(32, 'n'))});
  keys.active = keys::KeyId(5);
  if (indexed) keys.index.push_back({keys::KeyId(2), SecretBytes(std::string(32, 'i'))});
  Uuid id;
  id.octets.fill(7);
  return std::move(*ColumnCipher::make({id, id, 7, type, false}, std::move(keys)));
}

void seal(benchmark::State& state, bool indexed) {
  auto cipher = make_cipher(ValueType::Text, indexed);
  crypto::BufferedRandom random(system_random());
  const Bytes value(static_cast<std::size_t>(state.range(0)), std::byte{'x'});
  Bytes cell;
  cell.reserve(value.size() + 64);
  for (auto _ : state) {
    cell.clear();
    BoundedBytes out(cell, kLimit);
    benchmark::DoNotOptimize(cipher.seal(value, nullptr, random, out));
  }
}
BENCHMARK_CAPTURE(seal, plain, false)->Arg(16)->Arg(256)->Arg(1024);
BENCHMARK_CAPTURE(seal, searchable, true)->Arg(16)->Arg(256)->Arg(1024);

void open(benchmark::State& state) {
  auto cipher = make_cipher(ValueType::Text, true);
  const Bytes value(static_cast<std::size_t>(state.range(0)), std::byte{'x'});
  Bytes cell, plaintext;
  BoundedBytes sealed(cell, kLimit);
  if (!cipher.seal(value, nullptr, system_random(), sealed)) return state.SkipWithError("seal");
  for (auto _ : state) {
    plaintext.clear();
    BoundedBytes out(plaintext, kLimit);
    benchmark::DoNotOptimize(cipher.open(cell, nullptr, out));
  }
}
BENCHMARK(open)->Arg(16)->Arg(256)->Arg(1024);

/// Cells of so many subjects in turn: up to SubjectCiphers::kMost they are known, beyond it each is made anew.
void open_by_subject(benchmark::State& state) {
  ColumnKeySet keys;
  keys.readable.push_back({keys::KeyId(5), SecretBytes(std::string(32, 'd')), SecretBytes(std::string(32, 'n'))});
  keys.active = keys::KeyId(5);
  keys.subjects = std::make_shared<const keys::SubjectTree>(keys::SubjectTree::generate(system_random()));
  Uuid id;
  id.octets.fill(7);
  auto cipher = std::move(*ColumnCipher::make({id, id, 7, ValueType::Text, true, true}, std::move(keys)));
  const Bytes value(16, std::byte{'x'});
  std::vector<RowDigest> rows;
  std::vector<Bytes> cells(static_cast<std::size_t>(state.range(0)));
  for (auto& cell : cells) {
    rows.push_back(crypto::sha256(as_bytes(std::to_string(rows.size()))));
    BoundedBytes sealed(cell, kLimit);
    if (!cipher.seal(value, &rows.back(), system_random(), sealed)) return state.SkipWithError("seal");
  }
  Bytes plaintext;
  std::size_t at = 0;
  for (auto _ : state) {
    plaintext.clear();
    BoundedBytes out(plaintext, kLimit);
    benchmark::DoNotOptimize(cipher.open(cells[at], &rows[at], out));
    at = (at + 1) % cells.size();
  }
}
BENCHMARK(open_by_subject)->Arg(512)->Arg(4096);

void blind_index(benchmark::State& state) {
  auto cipher = make_cipher(ValueType::Text, true);
  const Bytes value(16, std::byte{'x'});
  for (auto _ : state) benchmark::DoNotOptimize(cipher.blind_index(value));
}
BENCHMARK(blind_index);

/// A field from the wire to the cell, and back.
void field(benchmark::State& state, ValueType type, const char* text, bool writing) {
  EncryptedColumn column(make_cipher(type, true), kNoTypmod);
  crypto::BufferedRandom random(system_random());
  Bytes cell, value;
  BoundedBytes sealed(cell, kLimit);
  if (!column.encrypt(WireFormat::Text, as_bytes(text), kSettings, nullptr, random, sealed))
    return state.SkipWithError("encrypt");
  for (auto _ : state) {
    value.clear();
    BoundedBytes out(value, kLimit);
    if (writing)
      benchmark::DoNotOptimize(column.encrypt(WireFormat::Text, as_bytes(text), kSettings, nullptr, random, out));
    else
      benchmark::DoNotOptimize(column.decrypt(cell, nullptr, WireFormat::Text, kSettings, out));
  }
}
BENCHMARK_CAPTURE(field, write_text, ValueType::Text, "ada@example.org!", true);
BENCHMARK_CAPTURE(field, read_text, ValueType::Text, "ada@example.org!", false);
BENCHMARK_CAPTURE(field, write_numeric, ValueType::Numeric, "12345678.901234", true);
BENCHMARK_CAPTURE(field, read_numeric, ValueType::Numeric, "12345678.901234", false);
BENCHMARK_CAPTURE(field, write_timestamptz, ValueType::TimestampTz, "2024-02-29 10:11:12.5+00", true);
BENCHMARK_CAPTURE(field, read_timestamptz, ValueType::TimestampTz, "2024-02-29 10:11:12.5+00", false);
BENCHMARK_CAPTURE(field, write_jsonb, ValueType::Jsonb, "{\"name\":\"Ada\",\"age\":36,\"tags\":[\"a\",\"b\"]}", true);
BENCHMARK_CAPTURE(field, read_jsonb, ValueType::Jsonb, "{\"name\":\"Ada\",\"age\":36,\"tags\":[\"a\",\"b\"]}", false);

void data_row_with_4_cells(benchmark::State& state) {
  EncryptedColumn column(make_cipher(ValueType::Text, true), kNoTypmod);
  Bytes cell, message, rewritten;
  BoundedBytes sealed(cell, kLimit);
  if (!column.encrypt(WireFormat::Text, as_bytes("ada@example.org!"), kSettings, nullptr, system_random(), sealed))
    return state.SkipWithError("encrypt");
  const std::optional<ByteView> values[] = {as_bytes("1"), cell, cell, cell, cell};
  pgwire::MessageWriter writer(message);
  pgwire::write_data_row(writer, values);
  std::vector<RowOp> ops;
  for (std::uint16_t i = 1; i <= 4; ++i) ops.push_back({i, &column, WireFormat::Binary, WireFormat::Text, nullptr});
  for (auto _ : state) {
    rewritten.clear();
    const auto row = pgwire::decode_data_row(ByteView(message).subspan(5));
    benchmark::DoNotOptimize(rewrite_data_row(*row, ops, kSettings, kLimit, rewritten));
  }
}
BENCHMARK(data_row_with_4_cells);

void copy_in_text(benchmark::State& state) {
  EncryptedColumn column(make_cipher(ValueType::Text, true), kNoTypmod);
  crypto::BufferedRandom random(system_random());
  std::string data;
  for (int i = 0; i < 1000; ++i) data += std::to_string(i) + "\tada@example.org!\tanother column\n";
  const CopyOp op{1, &column};
  Bytes out;
  for (auto _ : state) {
    out.clear();
    auto copy = CopyTransform::make(CopyDirection::In, {}, 3, {&op, 1}, kSettings, random, {});
    benchmark::DoNotOptimize(copy->feed(as_bytes(data), out));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 1000);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(data.size()));
}
BENCHMARK(copy_in_text);

}  // namespace
