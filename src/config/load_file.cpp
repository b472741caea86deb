#include "bartizan/config/load_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "draft.hpp"

extern char** environ;

namespace bartizan::config {
namespace {

constexpr std::size_t kMaxSecretBytes = 64u << 10;

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

/// strerror() is not thread-safe; the message of a generic_category error_code is.
std::string reason(int error) { return std::generic_category().message(error); }

/// The whole file, at most limit bytes. Opened without blocking, so that a FIFO does not hang us.
Result<std::string> read_all(const std::filesystem::path& file, std::size_t limit) {
  const Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (descriptor.fd < 0) return fail(Errc::Io, "cannot be opened: " + reason(errno));
  struct stat status{};
  if (::fstat(descriptor.fd, &status) != 0) return fail(Errc::Io, "cannot be read: " + reason(errno));
  if (!S_ISREG(status.st_mode)) return fail(Errc::Io, "is not a regular file");
  std::string content;
  char chunk[4096];
  for (;;) {
    const ssize_t count = ::read(descriptor.fd, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Errc::Io, "cannot be read: " + reason(errno));
    if (count == 0) return content;
    content.append(chunk, static_cast<std::size_t>(count));
    if (content.size() > limit) return fail(Errc::TooLarge, "is longer than " + std::to_string(limit) + " bytes");
  }
}

/// The first line. A second one means that it is not the file that was meant.
Result<SecretBytes> read_secret(const std::filesystem::path& file) {
  BZ_TRY(std::string content, read_all(file, kMaxSecretBytes));
  std::string_view line = content;
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  Result<SecretBytes> secret = SecretBytes(line);
  if (line.empty()) secret = fail(Errc::InvalidArgument, "is empty");
  if (line.find_first_of(std::string_view("\n\0", 2)) != std::string_view::npos) {
    secret = fail(Errc::InvalidArgument, "holds more than one line");
  }
  secure_wipe(content.data(), content.size());
  return secret;
}

std::set<std::string, std::less<>> names_in(const std::filesystem::path& directory) {
  std::set<std::string, std::less<>> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    names.insert(it->path().filename().native());
  }
  return names;
}

void read_secrets(Draft& draft) {
  ControlOptions& control = draft.configuration.control;
  if (control.dsn_file.empty()) return;
  auto secret = read_secret(control.dsn_file);
  if (secret) {
    control.dsn = std::move(*secret);
  } else {
    draft.issues.push_back(draft.origin_of("control.dsn_file")
                               .issue("control.dsn_file: " + control.dsn_file.native() + " " + secret.error().detail));
  }
}

}  // namespace

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

tl::expected<Configuration, Issues> load_file(const std::filesystem::path& file, const Environment& environment,
                                              std::vector<Override> overrides) {
  Input input;
  input.overrides = std::move(overrides);
  std::string content;
  if (!file.empty()) {
    input.file_name = file.native();
    auto read = read_all(file, kMaxTextBytes);
    if (!read) return tl::unexpected(Issues{{input.file_name, 0, 0, std::move(read).error().detail}});
    content = std::move(*read);
    input.text = content;
  }
  std::error_code error;
  const auto whole =
      file.empty() ? std::filesystem::current_path(error) : std::filesystem::absolute(file, error).parent_path();
  if (!error) input.directory = whole;
  if (const auto directory = environment.find("CREDENTIALS_DIRECTORY");
      directory != environment.end() && !directory->second.empty()) {
    input.credentials_directory = directory->second;
    input.credentials = names_in(input.credentials_directory);
  }
  Draft result = draft(input, environment);
  if (result.issues.empty()) read_secrets(result);
  if (!result.issues.empty()) return tl::unexpected(std::move(result.issues));
  return std::move(result.configuration);
}

}  // namespace bartizan::config
