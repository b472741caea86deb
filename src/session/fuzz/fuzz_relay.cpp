// Both peers hostile. Each step of the input: a byte that says who speaks and how, then either raw
// bytes or one of a few messages. Whatever comes, the server is sent only what the client said, or
// one of the messages that stand in for a refused one.
#include <cstdint>
#include <cstdlib>
#include <functional>

#include "test/relay_world.hpp"
#include "test/wire.hpp"

namespace bartizan::session::test {
namespace {

std::string client_message(unsigned choice) {
  switch (choice % 18) {
    case 0: return query("select 1");
    case 1: return query("begin; deallocate a; copy t from stdin");
    case 2: return parse("", "select 1");
    case 3: return parse("a", "delete from t");
    case 4: return bind_portal("", "");
    case 5: return bind_portal("p", "a");
    case 6: return execute("");
    case 7: return execute("p", 3);
    case 8: return describe('S', "a");
    case 9: return describe('P', "");
    case 10: return close('S', "a");
    case 11: return close('P', "p");
    case 12: return copy_data("1\n");
    case 13: return copy_done();
    case 14: return copy_fail();
    case 15: return function_call(1);
    case 16: return flush();
    default: return sync();
  }
}

std::string server_message(unsigned choice) {
  switch (choice % 22) {
    case 0: return parse_complete();
    case 1: return bind_complete();
    case 2: return close_complete();
    case 3: return no_data();
    case 4: return empty_query();
    case 5: return suspended();
    case 6: return row_description();
    case 7: return parameter_description();
    case 8: return data_row("1");
    case 9: return complete("SELECT 1");
    case 10: return complete("DEALLOCATE");
    case 11: return ready('I');
    case 12: return ready('T');
    case 13: return ready('E');
    case 14: return error("42601");
    case 15: return error("57P01", "FATAL");
    case 16: return notice();
    case 17: return parameter("standard_conforming_strings", "off");
    case 18: return copy_in();
    case 19: return copy_out();
    case 20: return function_result();
    default: return copy_done();
  }
}

bool within(ByteView part, ByteView whole) {
  const std::less_equal<const std::byte*> before;
  return before(whole.data(), part.data()) && before(part.data() + part.size(), whole.data() + whole.size());
}

/// One or several of our own messages.
bool stands_in(std::string_view bytes) {
  while (!bytes.empty()) {
    pgwire::FrameHeader header;
    if (pgwire::peek_frame(as_bytes(bytes), header) != pgwire::FrameStatus::Ok || bytes.size() < header.total_bytes())
      return false;
    const auto one = bytes.substr(0, header.total_bytes());
    if (one != poison_query() && !(one.front() == 'P' && one.ends_with(cstr(kPoisonText) + i16(0)))) return false;
    bytes.remove_prefix(one.size());
  }
  return true;
}

void speak(World& world, bool client, std::string_view bytes) {
  if (world.over()) return;
  std::string& kept = client ? world.from_client : world.from_server;
  kept += bytes;
  const auto input = as_bytes(kept);
  Step step;
  if (client) {
    ServerRuns runs;
    step = world.relay.on_client(input, runs);
    for (std::size_t i = 0; i < runs.runs().size(); ++i)
      if (!within(runs.runs()[i], input) && !stands_in(as_chars(runs.runs()[i]))) std::abort();
    world.client_verdict = step.verdict;
  } else {
    ByteRuns runs;
    step = world.relay.on_server(input, runs);
    for (std::size_t i = 0; i < runs.size(); ++i)
      if (!within(runs[i], input) && as_chars(runs[i]).front() != 'E') std::abort();
    world.server_verdict = step.verdict;
  }
  if (step.consumed > input.size()) std::abort();
  if (step.verdict == Verdict::Stalled && (!client || !world.relay.awaiting_reply())) std::abort();
  kept.erase(0, step.consumed);
}

}  // namespace
}  // namespace bartizan::session::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  using namespace bartizan::session::test;
  using bartizan::session::RelayLimits;
  if (size < 2) return 0;
  RelayLimits limits;
  limits.statement_bytes = 500;
  limits.pending_replies = data[0] % 2 == 0 ? 5 : 1000;
  World world(limits);
  for (unsigned i = 0; i < 8; ++i)
    if ((data[1] >> i & 1) != 0) world.log.failing.insert(i * 3 + 1);
  std::size_t at = 2;
  while (at < size) {
    const unsigned how = data[at++];
    const bool client = how % 2 == 0;
    if (how % 8 == 7) world.stale = !world.stale;
    if (how % 8 < 6) {
      speak(world, client, client ? client_message(how / 8) : server_message(how / 8));
      continue;
    }
    const auto count = std::min<std::size_t>(how / 8, size - at);
    speak(world, client, as_chars(ByteView(reinterpret_cast<const std::byte*>(data) + at, count)));
    at += count;
  }
  world.relay.abandon();
  if (world.log.double_finishes != 0 || world.relay.awaiting_reply()) std::abort();
  for (const auto& record : world.log.records)
    if (!record.outcome) std::abort();
  return 0;
}
