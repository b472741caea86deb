// Searching an audit log of many events by its index: how large it is, what an event costs it, and how long a
// search takes, on events made up by number so that every answer can be checked without keeping them.
//
//   audit_index_bench [events=10000000] [folder=$TMPDIR/bartizan-audit-index]
//
// What an event costs is measured on the first of them, through records as the log makes them. The rest goes into
// segments of the final size straight from the terms that such records have, which is checked on a sample: so a hundred
// million different events take minutes. A folder that is kept is gone on with.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "bartizan/audit/record.hpp"
#include "index_segment.hpp"
#include "tree_index.hpp"
#include "whole_file.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::auditlog;
using std::chrono::steady_clock;

constexpr std::int64_t kBegin = 1'760'000'000'000'000;  ///< microseconds since 1970
constexpr std::uint64_t kNeedle = 1'000'003;  ///< every so many events one by a rare identity

std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// What happened at a number: 5,000 identities, some far busier than others, 400 tables of 7 columns, 2,000
/// texts that read some of them, 3,000 addresses, 1,157 events a second (100 million a day), a third under a policy.
struct Event {
  explicit Event(std::uint64_t number) {
    const std::uint64_t a = mixed(number);
    const std::uint64_t b = mixed(a);
    identity = static_cast<unsigned>(((a & 0xffff) * ((a >> 16) & 0xffff)) >> 16) * 5000 / 65536;
    text = static_cast<unsigned>((a >> 32) % 2000);
    table = text % 400;
    address = static_cast<unsigned>(b % 3000);
    write = text % 10 == 0;
    ssn = text % 3 == 0;
    classed = identity % 3 == 0;
    failed = (b >> 16) % 100 < 2;
    needle = number % kNeedle == 17;
    at = kBegin + static_cast<std::int64_t>(number) * 864 - static_cast<std::int64_t>((b >> 32) % 20000);
  }
  [[nodiscard]] std::string identity_name() const {
    return needle ? "rare@example.com" : "user" + std::to_string(identity) + "@example.com";
  }
  [[nodiscard]] std::string table_name() const { return "t" + std::to_string(table); }
  [[nodiscard]] std::string column_name() const { return "c" + std::to_string(text / 400); }
  [[nodiscard]] std::string address_text() const {
    return "10." + std::to_string(address >> 8) + ".0." + std::to_string(address & 255);
  }
  [[nodiscard]] std::string digest() const {
    char out[33];
    std::snprintf(out, sizeof out, "%032llx", static_cast<unsigned long long>(mixed(text)));
    return out;
  }
  unsigned identity = 0;
  unsigned text = 0;
  unsigned table = 0;
  unsigned address = 0;
  bool write = false;
  bool ssn = false;
  bool classed = false;
  bool failed = false;
  bool needle = false;
  std::int64_t at = 0;
};

void make_record(std::uint64_t number, std::string& out) {
  thread_local std::string who;
  thread_local std::string what;
  const Event event(number);
  who = "\"session\":" + std::to_string(number / 50);
  audit::append_member(who, "identity", event.identity_name());
  who += R"(,"tenant":"acme","depot":"orders","login":"bz_app","address":")" + event.address_text() + ":50000\"";
  if (event.classed) who += R"(,"class":"00000000000000aa","class_version":3)";
  what = event.write ? R"("tag":"UPDATE","effect":"write","digest":")" : R"("tag":"SELECT","effect":"read","digest":")";
  what.append(event.digest()).append(R"(","relations":[{"schema":"clinic","name":")").append(event.table_name());
  what += event.write ? R"(","access":"write")" : R"(","access":"read")";
  if (event.classed)
    what += R"(,"read":["id",")" + event.column_name() + (event.ssn ? R"(","ssn"],"masked":["ssn"])" : "\"]");
  what += "}]";
  audit::Outcome outcome;
  outcome.status = event.failed ? audit::Status::Failed : audit::Status::Ok;
  out.clear();
  audit::append_record(out, audit::Ticket(number + 1),
                       {audit::Event::Statement, WallTime(std::chrono::microseconds(event.at)), who, what}, outcome);
}

/// The terms of such a record, without making it: those of its text and table, which recur, are made once.
class Terms {
 public:
  void of(std::uint64_t number, audit::RecordTerms& out) {
    using audit::SearchField;
    const Event event(number);
    out.time_ms = event.at / 1000;
    auto& texts = texts_[event.text * 2 + (event.classed ? 1u : 0u)];
    if (texts.empty()) texts = of_text(event);
    out.terms = texts;
    out.terms.push_back(cached(identities_, event.needle ? 5000 : event.identity, SearchField::Identity,
                               [&] { return event.identity_name(); }));
    out.terms.push_back(cached(addresses_, event.address, SearchField::Address, [&] { return event.address_text(); }));
    out.terms.push_back(event.failed ? failed_ : ok_);
  }

 private:
  static std::vector<audit::Term> of_text(const Event& event) {
    using audit::SearchField;
    using audit::term_of;
    std::vector<audit::Term> out = {
        term_of(SearchField::Action, "statement"), term_of(SearchField::Action, event.write ? "UPDATE" : "SELECT"),
        term_of(SearchField::Action, event.write ? "write" : "read"), term_of(SearchField::Depot, "orders"),
        term_of(SearchField::Fingerprint, event.digest())};
    for (const auto& table : {event.table_name(), "clinic." + event.table_name()}) {
      out.push_back(term_of(SearchField::Table, table));
      if (!event.classed) out.push_back(term_of(SearchField::ColumnsUnknown, table));
      for (const auto& column : {std::string("id"), event.column_name(), std::string("ssn")})
        if (event.classed && (column != "ssn" || event.ssn))
          out.push_back(term_of(SearchField::Column, table + "." + column));
    }
    return out;
  }
  template <class Text>
  static audit::Term cached(std::vector<audit::Term>& terms, std::size_t at, audit::SearchField field,
                            const Text& text) {
    if (terms[at] == 0) terms[at] = audit::term_of(field, text());
    return terms[at];
  }
  std::vector<std::vector<audit::Term>> texts_ = std::vector<std::vector<audit::Term>>(4000);
  std::vector<audit::Term> identities_ = std::vector<audit::Term>(5001);
  std::vector<audit::Term> addresses_ = std::vector<audit::Term>(3000);
  const audit::Term failed_ = audit::term_of(audit::SearchField::Outcome, "failed");
  const audit::Term ok_ = audit::term_of(audit::SearchField::Outcome, "ok");
};

/// That they are those that an index takes from the record.
bool terms_agree() {
  Terms terms;
  audit::RecordTerms mine;
  audit::RecordTerms read;
  std::string record;
  for (std::uint64_t number = 0; number < 20000; ++number) {
    make_record(number, record);
    terms.of(number, mine);
    std::sort(mine.terms.begin(), mine.terms.end());
    if (!audit::read_terms(record, read) || mine.terms != read.terms || mine.time_ms != read.time_ms) return false;
  }
  return true;
}

/// Segments as the index would have them in the end, up to a multiple of the smallest.
Result<void> make_segments(const std::string& folder, std::uint64_t from, std::uint64_t events) {
  BZ_CHECK(system_files().make_directory(folder));
  Terms terms;
  audit::RecordTerms record;
  while (from + kIndexRun <= events) {
    std::uint32_t count = kIndexLargest;
    while (count > kIndexRun && (from + count > events || from % count != 0)) count /= kIndexFanOut;
    IndexBuilder builder(from);
    for (const std::uint64_t end = from + count; from < end; ++from) {
      terms.of(from, record);
      builder.add(record);
    }
    char name[32];
    std::snprintf(name, sizeof name, "/%016llx-%08x", static_cast<unsigned long long>(from - count), count);
    BZ_CHECK(write_whole(system_files(), folder + name, builder.encode({})));
  }
  return {};
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/// So that the next search reads the disk.
void forget_cached(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (const auto file = std::fopen(entry.path().c_str(), "r")) {
      [[maybe_unused]] const int done = ::posix_fadvise(::fileno(file), 0, 0, POSIX_FADV_DONTNEED);
      std::fclose(file);
    }
}

struct Question {
  const char* text;
  IndexQuery query;
  std::function<bool(const Event&)> matches;
};

std::vector<Question> questions(std::uint64_t events) {
  using audit::SearchField;
  const auto term = [](SearchField field, std::string_view text) { return audit::term_of(field, text); };
  const auto ms = [&](double part) {
    return kBegin / 1000 + static_cast<std::int64_t>(static_cast<double>(events) * 0.864 * part);
  };
  std::vector<Question> out;
  out.push_back({"an identity with one event in a million",
                 {{{term(SearchField::Identity, "rare@example.com")}}, {}, {}},
                 [](const Event& e) { return e.needle; }});
  out.push_back(
      {"nobody of that name", {{{term(SearchField::Identity, "nobody")}}, {}, {}}, [](const Event&) { return false; }});
  out.push_back({"what user7 read",
                 {{{term(SearchField::Identity, "user7@example.com")}, {term(SearchField::Action, "read")}}, {}, {}},
                 [](const Event& e) { return !e.needle && e.identity == 7 && !e.write; }});
  out.push_back(
      {"who saw t11.ssn, or may have",
       {{{term(SearchField::Column, "clinic.t11.ssn"), term(SearchField::ColumnsUnknown, "clinic.t11")}}, {}, {}},
       [](const Event& e) { return e.table == 11 && (!e.classed || e.ssn); }});
  out.push_back({"who saw t11.ssn in one hour, half-way",
                 {{{term(SearchField::Column, "clinic.t11.ssn"), term(SearchField::ColumnsUnknown, "clinic.t11")}},
                  ms(0.5),
                  ms(0.5) + 3600000},
                 {}});
  out.back().matches = [low = ms(0.5)](const Event& e) {
    return e.table == 11 && (!e.classed || e.ssn) && e.at / 1000 >= low && e.at / 1000 <= low + 3600000;
  };
  out.push_back({"user7, t11, failed, from 10.4.0.9",
                 {{{term(SearchField::Identity, "user7@example.com")},
                   {term(SearchField::Table, "t11")},
                   {term(SearchField::Outcome, "failed")},
                   {term(SearchField::Address, "10.4.0.9")}},
                  {},
                  {}},
                 [](const Event& e) {
                   return !e.needle && e.identity == 7 && e.table == 11 && e.failed && e.address == 4 * 256 + 9;
                 }});
  out.push_back(
      {"every write", {{{term(SearchField::Action, "write")}}, {}, {}}, [](const Event& e) { return e.write; }});
  return out;
}

/// All of it, a page at a time, or the first page.
std::uint64_t search(const TreeIndex& index, const Question& question, std::uint64_t events, bool whole, bool& right) {
  std::uint64_t found = 0;
  for (std::uint64_t end = events; end > 0;) {
    const auto page = index.find(question.query, end, 100, steady_clock::now() + std::chrono::minutes(1));
    if (!page) return right = false, found;
    for (const auto leaf : page->leaves) right = right && question.matches(Event(leaf));
    found += page->leaves.size();
    end = page->searched_from;
    if (!whole && page->leaves.size() == 100) break;
  }
  return found;
}

double milliseconds(const std::function<void()>& work) {
  const auto begun = steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(steady_clock::now() - begun).count();
}

/// What an event costs the index, with records as the log makes them.
bool measure_cost(const std::string& folder) {
  constexpr std::uint64_t kSample = 300'000;
  std::filesystem::remove_all(folder);
  const auto index = TreeIndex::open(system_files(), folder);
  std::string record;
  std::uint64_t bytes = 0;
  double cpu = cpu_seconds();
  for (std::uint64_t i = 0; i < kSample; ++i) make_record(i, record);
  const double making = (cpu_seconds() - cpu) / kSample;
  cpu = cpu_seconds();
  for (std::uint64_t i = 0; i < kSample; ++i) {
    make_record(i, record);
    bytes += record.size();
    if (const auto added = index->add(as_bytes(record)); !added)
      return std::fprintf(stderr, "%s\n", added.error().detail.c_str()), false;
  }
  std::printf("%llu events of %.0f bytes indexed: %.2f us CPU each (and %.2f us to make one up)\n",
              static_cast<unsigned long long>(kSample), static_cast<double>(bytes) / kSample,
              ((cpu_seconds() - cpu) / kSample - making) * 1e6, making * 1e6);
  std::filesystem::remove_all(folder);
  return true;
}

}  // namespace

int main(int count, char** values) {
  std::uint64_t events = count > 1 ? std::strtoull(values[1], nullptr, 10) : 10'000'000;
  const char* base = std::getenv("TMPDIR");
  const std::string folder =
      count > 2 ? values[2] : std::string(base != nullptr ? base : "/tmp") + "/bartizan-audit-index";
  if (!terms_agree()) return std::fprintf(stderr, "the terms are not those of the records\n"), 1;
  if (!measure_cost(folder + "-cost")) return 1;
  const std::uint64_t begun = TreeIndex::open(system_files(), folder)->covered();
  const double cpu = cpu_seconds();
  const auto started = steady_clock::now();
  if (const auto made = make_segments(folder, begun, events); !made) {
    std::fprintf(stderr, "%s\n", made.error().detail.c_str());
    return 1;
  }
  const auto index = TreeIndex::open(system_files(), folder);
  events = index->covered();
  std::printf("%llu different events, %llu of them made now in %.0f s (%.0f s of CPU)\n",
              static_cast<unsigned long long>(events), static_cast<unsigned long long>(events - begun),
              std::chrono::duration<double>(steady_clock::now() - started).count(), cpu_seconds() - cpu);
  std::uint64_t size = 0;
  std::uint64_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) size += entry.file_size(), ++files;
  std::printf("index: %.2f bytes an event, %llu files\n", static_cast<double>(size) / static_cast<double>(events),
              static_cast<unsigned long long>(files));
  std::printf("%-46s %10s %12s %12s %12s\n", "search of all events", "found", "cold ms", "first 100 ms", "all ms");
  bool right = true;
  for (const auto& question : questions(events)) {
    std::uint64_t found = 0;
    forget_cached(folder);
    const double cold = milliseconds([&] { search(*index, question, events, false, right); });
    const double first = milliseconds([&] { found = search(*index, question, events, false, right); });
    const bool rare = found < 100;
    std::printf("%-46s %9llu%s %12.1f %12.1f", question.text, static_cast<unsigned long long>(found), rare ? " " : "+",
                cold, first);
    if (rare) std::printf(" %12.1f", first);
    std::printf("\n");
  }
  std::uint64_t expected = 0;
  for (std::uint64_t i = 17; i < events; i += kNeedle) ++expected;
  right = right && search(*index, questions(events).front(), events, true, right) == expected;
  std::printf("%s\n", right ? "every answer was right" : "WRONG ANSWERS");
  return right ? 0 : 1;
}
