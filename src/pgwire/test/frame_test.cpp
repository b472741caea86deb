#include "bartizan/pgwire/frame.hpp"

#include <doctest/doctest.h>

#include "byte_script.hpp"

namespace bartizan::pgwire {
namespace {

using namespace test;

TEST_CASE("a frame header is read once five bytes are there, however the stream was cut") {
  const auto stream = exact(message('Q', cstr("select 1")) + message('S', ""));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameHeader header{'!', 99};
    const auto status = peek_frame(exact(as_chars(stream).substr(0, cut)), header);
    CAPTURE(cut);
    if (cut < kFrameHeaderBytes) {
      CHECK(status == FrameStatus::NeedMore);
      CHECK(header.type == '!');
    } else {
      CHECK(status == FrameStatus::Ok);
      CHECK(header.type == frontend::kQuery);
      CHECK(header.length == 13);
      CHECK(header.payload_bytes() == 9);
      CHECK(header.total_bytes() == 14);
    }
  }
}

TEST_CASE("hostile frame lengths are reported and never wrap") {
  struct Case {
    std::uint32_t length;
    FrameStatus status;
  };
  for (const auto& [length, status] :
       {Case{0, FrameStatus::Malformed}, Case{3, FrameStatus::Malformed}, Case{4, FrameStatus::Ok},
        Case{0x7fffffff, FrameStatus::Ok}, Case{0x80000000, FrameStatus::Malformed},
        Case{0xffffffff, FrameStatus::Malformed}}) {
    CAPTURE(length);
    FrameHeader header;
    CHECK(peek_frame(exact("X" + i32(length)), header) == status);
    if (status == FrameStatus::Ok) {
      CHECK(header.total_bytes() == std::uint64_t{length} + 1);
      CHECK(header.payload_bytes() == length - 4);
    }
  }
}

TEST_CASE("a startup packet's length is bounded as PostgreSQL bounds it") {
  struct Case {
    std::uint32_t length;
    FrameStatus status;
  };
  for (const auto& [length, status] :
       {Case{0, FrameStatus::Malformed}, Case{7, FrameStatus::Malformed}, Case{8, FrameStatus::Ok},
        Case{10004, FrameStatus::Ok}, Case{10005, FrameStatus::Malformed}, Case{0x16030100, FrameStatus::Malformed},
        Case{0xffffffff, FrameStatus::Malformed}}) {
    CAPTURE(length);
    std::uint32_t found = 0;
    CHECK(peek_startup(exact(i32(length)), found) == status);
    CHECK(found == (status == FrameStatus::Ok ? length : 0));
    CHECK(peek_startup(exact(i32(length).substr(0, 3)), found) == FrameStatus::NeedMore);
  }
}

TEST_CASE("every type has a limit, and what is no type has none") {
  for (const char type : std::string("BCDEFHPQSXcdfp")) CHECK(max_frontend_length(type) >= 10000);
  for (const char type : std::string("RKS123CDEdcGHWINAVZTtsvn")) CHECK(max_backend_length(type) >= 30000);
  int frontends = 0;
  int backends = 0;
  for (int c = 0; c < 256; ++c) {
    frontends += max_frontend_length(static_cast<char>(c)) != 0 ? 1 : 0;
    backends += max_backend_length(static_cast<char>(c)) != 0 ? 1 : 0;
  }
  CHECK(frontends == 14);
  CHECK(backends == 24);
  CHECK(max_frontend_length(frontend::kQuery) == 0x3ffffffe);
  CHECK(max_frontend_length(frontend::kSync) == 10000);
  CHECK(max_backend_length(backend::kReadyForQuery) == 30000);
}

}  // namespace
}  // namespace bartizan::pgwire
