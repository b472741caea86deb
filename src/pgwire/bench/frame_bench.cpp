// How fast a stream of DataRows is followed: the header scan alone, which is all that a relay
// does to a row that needs no change, and the scan with every column looked at.
#include <benchmark/benchmark.h>

#include <vector>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace bartizan::pgwire {
namespace {

Bytes rows(std::size_t column_bytes) {
  const Bytes column(column_bytes, std::byte{'x'});
  const std::vector<std::optional<ByteView>> columns(8, ByteView(column));
  Bytes out;
  MessageWriter writer(out);
  while (out.size() < 256 * 1024) write_data_row(writer, columns);
  return out;
}

void scan_frames(benchmark::State& state) {
  const auto stream = rows(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    ByteView rest = stream;
    FrameHeader header;
    std::size_t count = 0;
    while (peek_frame(rest, header) == FrameStatus::Ok && header.total_bytes() <= rest.size()) {
      rest = rest.subspan(static_cast<std::size_t>(header.total_bytes()));
      ++count;
    }
    benchmark::DoNotOptimize(count);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(stream.size()));
}
BENCHMARK(scan_frames)->Arg(4)->Arg(32)->Arg(512);

void walk_columns(benchmark::State& state) {
  const auto stream = rows(static_cast<std::size_t>(state.range(0)));
  std::int64_t cells = 0;
  for (auto _ : state) {
    ByteView rest = stream;
    FrameHeader header;
    std::size_t bytes = 0;
    while (peek_frame(rest, header) == FrameStatus::Ok && header.total_bytes() <= rest.size()) {
      const auto row = decode_data_row(rest.subspan(kFrameHeaderBytes, header.payload_bytes()));
      for (const auto column : row->columns) {
        bytes += column ? column->size() : 0;
        ++cells;
      }
      rest = rest.subspan(static_cast<std::size_t>(header.total_bytes()));
    }
    benchmark::DoNotOptimize(bytes);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(stream.size()));
  state.SetItemsProcessed(cells);
}
BENCHMARK(walk_columns)->Arg(4)->Arg(32)->Arg(512);

}  // namespace
}  // namespace bartizan::pgwire
