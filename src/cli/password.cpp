#include "password.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <istream>

#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

/// Grows inside a fixed buffer, so that no copy is left behind in memory that was given back.
class PasswordBuffer {
 public:
  PasswordBuffer() = default;
  PasswordBuffer(const PasswordBuffer&) = delete;
  PasswordBuffer& operator=(const PasswordBuffer&) = delete;
  ~PasswordBuffer() { secure_wipe(bytes_.data(), bytes_.size()); }

  /// Keeps one byte more than is permitted, so that too long is seen as such.
  void push(char c) {
    if (size_ < bytes_.size()) bytes_[size_++] = c;
  }
  /// Takes the last character away, all bytes of it.
  void pop() {
    while (size_ > 0 && (static_cast<unsigned char>(bytes_[--size_]) & 0xc0) == 0x80) {
    }
  }
  void clear() { size_ = 0; }
  [[nodiscard]] bool ends_with(char c) const { return size_ > 0 && bytes_[size_ - 1] == c; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] SecretBytes take() const { return SecretBytes(std::string_view(bytes_.data(), size_)); }

 private:
  std::array<char, kMaxPasswordBytes + 1> bytes_{};
  std::size_t size_ = 0;
};

/// Echo and line editing off while it lives. Signals too, so that Ctrl-C cannot leave it that way.
class SilentTerminal {
 public:
  explicit SilentTerminal(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    active_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    if (active_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  [[nodiscard]] bool active() const { return active_; }

 private:
  int fd_;
  termios before_{};
  bool active_ = false;
};

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

/// Keys to a line, with the editing keys that the silent terminal no longer does itself.
Result<SecretBytes> read_keys(int fd) {
  constexpr char kCtrlC = 3;
  constexpr char kCtrlD = 4;
  constexpr char kBackspace = 8;
  constexpr char kCtrlU = 21;
  constexpr char kDelete = 127;
  PasswordBuffer buffer;
  for (;;) {
    char key = 0;
    const ssize_t count = ::read(fd, &key, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || key == kCtrlC || (key == kCtrlD && buffer.empty()))
      return fail(Errc::Cancelled, "no password was given");
    if (key == '\n' || key == '\r') return buffer.take();
    if (key == kBackspace || key == kDelete) {
      buffer.pop();
    } else if (key == kCtrlU) {
      buffer.clear();
    } else {
      buffer.push(key);
    }
  }
}

}  // namespace

Result<void> check_password(const SecretBytes& password) {
  const std::string_view chars = password.reveal_chars();
  if (chars.empty()) return fail(Errc::InvalidArgument, "the password is empty");
  if (chars.size() > kMaxPasswordBytes) {
    return fail(Errc::InvalidArgument, "the password is longer than " + std::to_string(kMaxPasswordBytes) + " bytes");
  }
  if (chars.find('\0') != std::string_view::npos || !is_utf8(chars))
    return fail(Errc::InvalidArgument, "the password is not UTF-8 text");
  return {};
}

Result<SecretBytes> read_password(std::istream& in) {
  PasswordBuffer buffer;
  for (int c = in.get(); c != std::istream::traits_type::eof() && c != '\n'; c = in.get())
    buffer.push(static_cast<char>(c));
  if (buffer.ends_with('\r')) buffer.pop();
  SecretBytes password = buffer.take();
  BZ_CHECK(check_password(password));
  return password;
}

Result<SecretBytes> ask_on_terminal(std::string_view prompt) {
  const Descriptor terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
  if (terminal.fd < 0) return fail(Errc::Unavailable, "there is no terminal to ask for the password on");
  const SilentTerminal silent(terminal.fd);
  if (!silent.active()) return fail(Errc::Unavailable, "the terminal does not turn its echo off");
  write_all(terminal.fd, prompt);
  auto password = read_keys(terminal.fd);
  write_all(terminal.fd, "\n");
  if (!password) return password;
  BZ_CHECK(check_password(*password));
  return password;
}

}  // namespace bartizan::cli
