// A hostile client before a model of the server: what the server has really run must be what the
// audit log says, statement by statement, and no statement is recorded as not run that was.
#include <cstdint>
#include <cstdlib>

#include "test/model_server.hpp"
#include "test/relay_world.hpp"

namespace bartizan::session::test {
namespace {

std::string client_message(unsigned choice) {
  static const char* const kNames[] = {"", "a", "p"};
  static const char* const kTexts[] = {"select 2",
                                       "delete from t",
                                       "insert into t values (1)",
                                       "copy t from stdin",
                                       "begin",
                                       "rollback",
                                       "bogus",
                                       "prepare a as delete from t",
                                       "deallocate a",
                                       "close p",
                                       "do 'fail'",
                                       "copy t from stdin; delete from t"};
  const unsigned more = choice / 12;
  const std::string name = kNames[more % 3];
  const std::string text = kTexts[more % 12];
  switch (choice % 12) {
    case 0: return query(text);
    case 1: return parse("", text);
    case 2: return parse("a", text);
    case 3: return bind_portal("", name);
    case 4: return bind_portal("p", name);
    case 5: return execute(name);
    case 6: return close('S', name);
    case 7: return close('P', name);
    case 8: return copy_data(more % 2 == 0 ? "bad" : "1\n");
    case 9: return more % 4 == 0 ? copy_fail() : copy_done();
    case 10: return flush();
    default: return sync();
  }
}

bool may_be(const RecordingLog::Record& record, const ModelServer::Ran& really) {
  const auto status = record.outcome->status;
  if (record.event != really.via) return false;
  if (record.tag != "UNKNOWN" && really.tag != "-" && record.tag != really.tag) return false;
  return status == audit::Status::Unknown || (status == audit::Status::Ok) == really.ok;
}

/// Both in order. What is recorded as not run has no counterpart, what is unknown may have one.
void compare(const RecordingLog& log, const std::vector<ModelServer::Ran>& ran, bool over) {
  std::size_t i = 0;
  for (const auto& record : log.records) {
    if (!record.outcome) std::abort();
    const auto status = record.outcome->status;
    if (status == audit::Status::NotRun) continue;
    if (status == audit::Status::Unknown && !over) std::abort();
    if (i < ran.size() && may_be(record, ran[i]))
      ++i;
    else if (status == audit::Status::Ok || (status == audit::Status::Failed && i < ran.size()))
      std::abort();
  }
  if (i < ran.size()) std::abort();
}

}  // namespace
}  // namespace bartizan::session::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  using namespace bartizan::session::test;
  using bartizan::session::Verdict;
  if (size > 400) return 0;
  World world;
  ModelServer model;
  std::string to_model;
  std::string under_way;
  // Odd steps let replies through, so that the gateway is early or late in knowing of them.
  for (std::size_t at = 0; at + 1 < size; at += 2) {
    if (world.over()) break;
    world.client(client_message(data[at]));
    to_model += world.to_server;
    world.to_server.clear();
    if (data[at + 1] % 4 == 0) continue;
    under_way += model.on_bytes(to_model);
    to_model.clear();
    if (data[at + 1] % 4 == 1) continue;
    const auto count = std::min<std::size_t>(under_way.size(), data[at + 1] % 4 == 2 ? data[at + 1] : under_way.size());
    world.server(std::string_view(under_way).substr(0, count));
    under_way.erase(0, count);
  }
  for (int i = 0; i < 1000; ++i) {
    under_way += model.on_bytes(to_model);
    to_model.clear();
    if (world.over()) break;
    world.server(under_way);
    under_way.clear();
    world.client("");
    to_model += world.to_server;
    world.to_server.clear();
    if (to_model.empty()) break;
  }
  const bool quiet = !world.over() && !model.copying() && !model.gone;
  if (quiet && world.client_verdict == Verdict::Stalled) std::abort();
  const bool over = world.over() || model.copying() || model.gone || world.relay.awaiting_reply();
  world.relay.abandon();
  compare(world.log, model.ran, over);
  return 0;
}
