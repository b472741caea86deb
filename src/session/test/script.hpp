// Byte scripts: what one side sends and what the other must then get. run() plays a script whole,
// byte by byte and cut at places that a fixed seed chooses, and wants the same each time.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "relay_world.hpp"
#include "wire.hpp"

namespace bartizan::session::test {

/// Bytes readable in a failure's message.
inline std::string shown(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c >= ' ' && c <= '~')
      out += c;
    else
      out += '\\' + hex_encode(as_bytes(std::string_view(&c, 1)));
  }
  return out;
}

inline std::string as_text(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + '\n';
  return out;
}

class Script {
 public:
  RelayLimits limits;
  std::optional<WallTime> valid_until;
  bool pooled = false;
  std::function<std::unique_ptr<Consumer>()> consumer;  ///< none: passed through

  /// The client sends this and the server gets the same, or `becomes`.
  Script& client(std::string bytes) {
    auto same = bytes;
    return client(std::move(bytes), std::move(same));
  }
  Script& client(std::string bytes, std::string becomes, Verdict verdict = Verdict::Continue) {
    steps_.push_back({Side::Client, std::move(bytes), std::move(becomes), verdict, {}});
    return *this;
  }
  Script& server(std::string bytes) {
    auto same = bytes;
    return server(std::move(bytes), std::move(same));
  }
  Script& server(std::string bytes, std::string becomes, Verdict verdict = Verdict::Continue) {
    steps_.push_back({Side::Server, std::move(bytes), std::move(becomes), verdict, {}});
    return *this;
  }
  Script& then(std::function<void(World&)> act) {
    steps_.push_back({Side::None, {}, {}, Verdict::Continue, std::move(act)});
    return *this;
  }
  /// The lines of the audit log at the end.
  Script& audit(std::vector<std::string> lines) {
    audit_ = std::move(lines);
    return *this;
  }

  void run() const {
    play("whole", [](std::size_t left) { return left; });
    play("byte by byte", [](std::size_t) { return std::size_t{1}; });
    for (unsigned seed = 1; seed <= 20; ++seed) {
      std::mt19937 random(seed);
      play("cut by seed " + std::to_string(seed), [&](std::size_t left) {
        const std::size_t most = random() % 3 == 0 ? 3 : 40;
        return std::min<std::size_t>(left, 1 + random() % most);
      });
    }
  }

 private:
  enum class Side : std::uint8_t { Client, Server, None };
  struct Step {
    Side side;
    std::string bytes;
    std::string becomes;
    Verdict verdict;
    std::function<void(World&)> act;
  };

  template <class Cut>
  void play(const std::string& mode, Cut cut) const {
    World world(limits, valid_until, pooled, policy::BarrierMode::None, consumer ? consumer() : nullptr);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[i];
      CAPTURE(mode);
      CAPTURE(i);
      if (step.side == Side::None) {
        step.act(world);
        continue;
      }
      world.to_server.clear();
      world.to_client.clear();
      const bool client = step.side == Side::Client;
      std::size_t at = 0;
      do {  // an empty step hands in what is still there
        const std::size_t count = at < step.bytes.size() ? cut(step.bytes.size() - at) : 0;
        const auto part = std::string_view(step.bytes).substr(at, count);
        client ? world.client(part) : world.server(part);
        at += count;
      } while (at < step.bytes.size());
      REQUIRE(shown(client ? world.to_server : world.to_client) == shown(step.becomes));
      REQUIRE((client ? world.client_verdict : world.server_verdict) == step.verdict);
    }
    CAPTURE(mode);
    if (audit_) REQUIRE(as_text(world.log.lines()) == as_text(*audit_));
    REQUIRE(world.log.double_finishes == 0);
  }

  std::vector<Step> steps_;
  std::optional<std::vector<std::string>> audit_;
};

}  // namespace bartizan::session::test
