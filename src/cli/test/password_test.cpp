#include "password.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

namespace bartizan::cli {
namespace {

TEST_CASE("the first line of stdin, and nothing else") {
  struct Row {
    std::string input;
    const char* password;  ///< nullptr: refused
  };
  for (const Row& row :
       {Row{"secret\n", "secret"}, Row{"secret", "secret"}, Row{"secret\r\n", "secret"}, Row{" a b \nmore\n", " a b "},
        Row{"p\xc3\xa4ss\n", "p\xc3\xa4ss"}, Row{"", nullptr}, Row{"\n", nullptr}, Row{"\r\n", nullptr},
        Row{std::string("a\0b\n", 4), nullptr}, Row{"\xff\n", nullptr}, Row{std::string(1024, 'x') + "\n", nullptr},
        Row{std::string(1025, 'x') + "\n", nullptr}, Row{std::string(1 << 20, 'x'), nullptr}}) {
    std::istringstream in(row.input);
    const auto password = read_password(in);
    if (row.input.size() == 1025) {
      CHECK(password.value().size() == 1024);
    } else if (row.password == nullptr) {
      REQUIRE_FALSE(password.has_value());
      CHECK(password.error().code == Errc::InvalidArgument);
    } else {
      CHECK(password.value().reveal_chars() == row.password);
    }
  }
}

/// Exit status of a child that asks on a pseudo-terminal of its own after keys were typed: 0 when
/// it got `expected`, 1 something else, 2 cancelled; `screen` is all that the terminal showed.
struct Session {
  int status = -1;
  std::string screen;
  bool echo_after = false;
};

Session type(std::string_view keys, const std::string& expected) {
  Session session;
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(master >= 0);
  REQUIRE(::grantpt(master) == 0);
  REQUIRE(::unlockpt(master) == 0);
  const std::string name = ::ptsname(master);
  const int keeper = ::open(name.c_str(), O_RDWR | O_NOCTTY);  // keeps the terminal's settings alive
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(master);
    ::setsid();
    ::ioctl(keeper, TIOCSCTTY, 0);
    const auto password = ask_on_terminal("Password: ");
    if (!password) ::_exit(password.error().code == Errc::Cancelled ? 2 : 3);
    ::_exit(password->reveal_chars() == expected ? 0 : 1);
  }
  // The prompt comes when the echo is off; keys that are typed before it are flushed.
  char byte = 0;
  while (session.screen.find("Password: ") == std::string::npos && ::read(master, &byte, 1) == 1)
    session.screen.push_back(byte);
  REQUIRE(::write(master, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  session.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  termios after{};
  session.echo_after = ::tcgetattr(keeper, &after) == 0 && (after.c_lflag & ECHO) != 0 && (after.c_lflag & ICANON) != 0;
  ::close(keeper);  // the last one: reading ends with EIO once all output has come
  while (::read(master, &byte, 1) == 1) session.screen.push_back(byte);
  ::close(master);
  return session;
}

TEST_CASE("the prompt shows nothing of the password and leaves the terminal as it was") {
  struct Row {
    const char* keys;
    const char* expected;
    int status;
  };
  for (const Row& row :
       {Row{"secret\r", "secret", 0}, Row{"secreX\x7ft\n", "secret", 0}, Row{"wrong\x15right\n", "right", 0},
        Row{"a\xc3\xa4\x08"
            "b\n",
            "ab", 0},
        Row{"abc\x03", "", 2}, Row{"\x04", "", 2}, Row{"\n", "", 3}}) {
    CAPTURE(row.expected);
    const Session session = type(row.keys, row.expected);
    CHECK(session.status == row.status);
    CHECK(session.screen == "Password: \r\n");
    CHECK(session.echo_after);
  }
}

}  // namespace
}  // namespace bartizan::cli
