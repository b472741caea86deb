#include "count_book.hpp"

#include <doctest/doctest.h>

using namespace bartizan;
using namespace bartizan::auditlog;

namespace {

constexpr std::string_view kNone = R"(,"refused":0,"not_run":0,"unknown":0)";

bool says(const CountBook::Told& told, std::string_view what) { return told.members.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("a stretch is complete once every ticket of it was noted, in any order") {
  CountBook book(1, 1000);
  book.note(1, "");
  book.note(3, "acme");
  book.close();
  CHECK(book.closing());
  CHECK(book.cut() == 3);
  CHECK_FALSE(book.complete());
  book.note(4, "acme");  // of the next stretch
  CHECK_FALSE(book.complete());
  book.note(2, "beta");
  REQUIRE(book.complete());
  book.join();
  CHECK(book.through() == 3);
  for (std::uint64_t ticket = 1; ticket <= 4; ++ticket) book.end(ticket, audit::Status::Ok);
  const auto told = book.to_tell(2000);
  REQUIRE(told.size() == 3);
  CHECK(told.back().tenant.empty());  // the system tree last: where it is, the others are
  for (const auto& one : told) {
    CHECK(says(one, R"("first_ticket":1,"last_ticket":3,"from_s":1000,"to_s":2000,"intents":1,"ok":1,"failed":0)"));
    CHECK(says(one, kNone));
    CHECK(says(one, R"("open":[],"open_more":0)"));
  }
  book.was_told(2000);
  CHECK(book.told() == 3);
  book.close();
  book.join();
  const auto next = book.to_tell(3000);
  REQUIRE(next.size() == 2);  // acme, and the system tree always; beta had nothing
  CHECK(next.front().tenant == "acme");
  CHECK(says(next.front(), R"("first_ticket":4,"last_ticket":4,"from_s":2000,"to_s":3000,"intents":1,"ok":1)"));
  CHECK(says(next.back(), R"("intents":0)"));
}

TEST_CASE("what has not ended is told by ticket, until it has, and with it its tree") {
  CountBook book(1, 0);
  book.note(1, "acme");
  for (std::uint64_t ticket = 2; ticket < 70'000; ++ticket) {  // past the slot of ticket 1
    book.note(ticket, "");
    book.end(ticket, audit::Status::Refused);
  }
  const auto round = [&] {
    book.close();
    REQUIRE(book.complete());
    book.join();
    auto told = book.to_tell(1);
    book.was_told(1);
    return told;
  };
  auto told = round();
  REQUIRE(told.size() == 2);
  CHECK(says(told.front(), R"("intents":1,"ok":0)"));
  CHECK(says(told.front(), R"("open":[1],"open_more":0)"));
  CHECK(says(told.back(), R"("intents":69998,"ok":0,"failed":0,"refused":69998)"));
  book.note(70'000, "");
  told = round();
  REQUIRE(told.size() == 2);  // acme had nothing new, and still runs
  CHECK(says(told.front(), R"("intents":0)"));
  CHECK(says(told.front(), R"("open":[1])"));
  CHECK(says(told.back(), R"("open":[70000])"));
  book.end(1, audit::Status::Ok);
  book.note(70'001, "");
  told = round();
  REQUIRE(told.size() == 2);  // that nothing runs any more
  CHECK(says(told.front(), R"("open":[],)"));
  book.note(70'002, "");
  CHECK(round().size() == 1);
}

TEST_CASE("more than a thousand that run are named in part") {
  CountBook book(1, 0);
  for (std::uint64_t ticket = 1; ticket <= 1500; ++ticket) book.note(ticket, "");
  book.close();
  book.join();
  const auto told = book.to_tell(1);
  CHECK(says(told.front(), "1000],\"open_more\":500"));
  CHECK(told.front().members.size() < 24 * 1024);
}

TEST_CASE("counts go on over a restart, or end where the last run has ended") {
  CountBook book(1, 500);
  for (std::uint64_t ticket = 1; ticket <= 4; ++ticket) book.note(ticket, ticket == 2 ? "a\\\"b" : "");
  book.end(1, audit::Status::Failed);
  book.close();
  book.join();
  const auto text = encode_counts(book.saved());
  const auto saved = decode_counts(text).value();
  CHECK(saved.through == 4);
  CHECK(saved.trees.size() == 2);
  SUBCASE("nothing was missed") {
    CountBook next(5, saved);
    next.note(5, "");
    next.close();
    next.join();
    const auto told = next.to_tell(600);
    REQUIRE(told.size() == 2);
    CHECK(told.front().tenant == "a\\\"b");
    CHECK(
        says(told.back(), R"("first_ticket":1,"last_ticket":5,"from_s":500,"to_s":600,"intents":4,"ok":0,"failed":1)"));
  }
  SUBCASE("tickets 5 to 9 were counted by nobody") {
    CountBook next(10, saved);
    next.note(10, "");
    const auto told = next.to_tell(600);
    CHECK(says(told.back(), R"("first_ticket":1,"last_ticket":4,)"));
    next.was_told(600);
    CHECK(next.told() == 9);
    next.close();
    REQUIRE(next.complete());
    next.join();
    CHECK(says(next.to_tell(700).back(), R"("first_ticket":10,"last_ticket":10,"from_s":600)"));
  }
  SUBCASE("a file that is not exactly that is damage") {
    for (std::size_t i = 0; i < text.size(); ++i) {
      auto harmed = text;
      harmed[i] = static_cast<char>(harmed[i] ^ 1);
      CHECK_FALSE(decode_counts(harmed));
      CHECK_FALSE(decode_counts(text.substr(0, i)));
    }
  }
}
