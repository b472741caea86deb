// The first exchange on a new server connection of a policy class, sans-I/O: one statement of ours
// that answers one text, the nonce that signed contexts of this connection are bound to
// (wall::kOpenConnectionSql). Strict: whatever else the server says ends the connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"

namespace bartizan::session {

class ClassOpening {
 public:
  enum class Action : std::uint8_t {
    NeedMore,
    Ready,   ///< nonce() is there, and the server ready for the next query
    Failed,  ///< the connection is not to be used
  };
  struct Step {
    std::size_t consumed = 0;
    Action action = Action::NeedMore;
  };
  static constexpr std::size_t kMaxNonceBytes = 64;

  /// The statement, for the server.
  static void begin(std::string_view statement, Bytes& out);
  Step on_bytes(ByteView input);

  [[nodiscard]] const std::string& nonce() const noexcept { return nonce_; }
  /// Of the server's error; empty: it sent none.
  [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }

 private:
  enum class Phase : std::uint8_t { Description, Row, Complete, Ready };
  [[nodiscard]] Action on_message(char type, ByteView payload);

  Phase phase_ = Phase::Description;
  std::string nonce_;
  std::string sqlstate_;
};

}  // namespace bartizan::session
