// First byte: whether TLS is up, and the size of the pieces; the rest: what a client sends before
// it is known. What is let through must not be able to be more than settings to the server.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "bartizan/pgwire/startup.hpp"
#include "bartizan/session/client_startup.hpp"
#include "bartizan/session/server_sign_in.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::session;

void check_request(const StartupRequest& request) {
  if (request.user.empty() || request.database.empty()) std::abort();
  ServerSignInRequest facts;
  facts.user = "login";
  facts.database = "shop";
  facts.settings = request.settings;
  Bytes out;
  ServerSignIn(std::move(facts)).begin(out);
  const auto decoded = pgwire::decode_startup(out);
  if (!decoded) {
    // More settings than a client may give here; the server takes them.
    if (decoded.error().code != Errc::TooLarge) std::abort();
    return;
  }
  const auto& message = std::get<pgwire::StartupMessage>(*decoded);
  if (message.user() != "login" || message.database() != "shop" || !message.options().empty()) std::abort();
  if (message.find("replication") || !message.protocol_options().empty()) std::abort();
  if (message.settings().size() != request.settings.size()) std::abort();
  for (auto [name, value] : message.settings()) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (lower == "role" || lower == "session_authorization" || lower.starts_with("bartizan.")) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  bool tls = data[0] % 2 != 0;
  const std::size_t piece = 1 + data[0] / 2;
  ClientStartup machine(tls);
  ByteView rest(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  Bytes input;
  for (int rounds = 0; rounds < 20'000; ++rounds) {
    const auto step = machine.on_bytes(input);
    if (step.consumed > input.size()) std::abort();
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(step.consumed));
    switch (step.action) {
      case ClientStartup::Action::NeedMore: {
        if (step.consumed != 0 || ClientStartup::wanted(input) > pgwire::kMaxStartupBytes + 4) std::abort();
        if (rest.empty()) return 0;
        const auto part = rest.first(std::min(piece, rest.size()));
        input.insert(input.end(), part.begin(), part.end());
        rest = rest.subspan(part.size());
        break;
      }
      case ClientStartup::Action::StartTls:
        if (tls || !input.empty()) std::abort();
        tls = true;
        machine.tls_established();
        break;
      case ClientStartup::Action::AnswerNo:
        if (tls) std::abort();
        break;
      case ClientStartup::Action::SignIn:
        if (!tls) std::abort();
        check_request(machine.request());
        return 0;
      case ClientStartup::Action::Refuse:
        if (machine.report().message.empty()) std::abort();
        return 0;
      case ClientStartup::Action::Close:
      case ClientStartup::Action::Cancel: return 0;
    }
  }
  std::abort();
}
