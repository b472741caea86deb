#include "bartizan/base/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <iterator>

namespace bartizan::log {
namespace {

std::atomic<Level> g_level{Level::Info};
std::atomic<Format> g_format{Format::Json};

std::string_view name_of(Level level) {
  switch (level) {
    case Level::Debug: return "debug";
    case Level::Info: return "info";
    case Level::Warn: return "warn";
    case Level::Error: return "error";
  }
  return "error";
}

/// JSON string escapes (RFC 8259 section 7); control bytes never reach a terminal raw.
void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (u < 0x20 || u == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", u);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_value(std::string& out, const Field& field, Format format) {
  std::visit(
      [&](const auto& v) {
        using V = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<V, std::string_view>) {
          const bool plain =
              format == Format::Text && !v.empty() &&
              v.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/+@") ==
                  std::string_view::npos;
          plain ? void(out.append(v)) : append_quoted(out, v);
        } else {
          fmt::format_to(std::back_inserter(out), "{}", v);
        }
      },
      field.value());
}

}  // namespace

void set_level(Level level) noexcept { g_level.store(level, std::memory_order_relaxed); }
void set_format(Format format) noexcept { g_format.store(format, std::memory_order_relaxed); }
bool enabled(Level level) noexcept { return level >= g_level.load(std::memory_order_relaxed); }

std::string render(Format format, Level level, std::string_view time, std::string_view event,
                   std::initializer_list<Field> fields) {
  std::string out;
  if (format == Format::Json) {
    out = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", time, name_of(level), event);
    for (const Field& field : fields) {
      out.push_back(',');
      append_quoted(out, field.name());
      out.push_back(':');
      append_value(out, field, format);
    }
    out.push_back('}');
    return out;
  }
  out = fmt::format("{} {:<5} {}", time, name_of(level), event);
  for (const Field& field : fields) {
    out.push_back(' ');
    out.append(field.name());
    out.push_back('=');
    append_value(out, field, format);
  }
  return out;
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto millis = now.time_since_epoch().count() % 1000;
  const auto time =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), millis);
  auto line = render(g_format.load(std::memory_order_relaxed), level, time, event, fields);
  line.push_back('\n');
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace bartizan::log
