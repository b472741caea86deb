#include "bartizan/postgres/pg_hba.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>

namespace bartizan::postgres {
namespace {

/// "10.0.0.7" to "10.0.0.7/32"; nothing that is not an address.
Result<std::string> as_network(const std::string& text) {
  const auto slash = text.find('/');
  const std::string address = text.substr(0, slash);
  std::array<unsigned char, 16> parsed{};
  unsigned bits = 0;
  if (::inet_pton(AF_INET, address.c_str(), parsed.data()) == 1)
    bits = 32;
  else if (::inet_pton(AF_INET6, address.c_str(), parsed.data()) == 1)
    bits = 128;
  else
    return fail(Errc::InvalidArgument, "a gateway address is neither IPv4 nor IPv6");
  if (slash == std::string::npos) return address + "/" + std::to_string(bits);
  const char* first = text.data() + slash + 1;
  const char* last = text.data() + text.size();
  unsigned length = 0;
  const auto [end, error] = std::from_chars(first, last, length);
  if (error != std::errc() || end != last || length > bits || length == 0)
    return fail(Errc::InvalidArgument, "the prefix length of a gateway address must be 1 to " + std::to_string(bits));
  return address + "/" + std::to_string(length);
}

const char* method_of(LoginProof proof) {
  switch (proof) {
    case LoginProof::Password: return "scram-sha-256";
    case LoginProof::Certificate: return "cert";
    case LoginProof::PasswordAndCertificate: return "scram-sha-256 clientcert=verify-full";
  }
  return "reject";
}

}  // namespace

Result<std::vector<std::string>> pg_hba_lines(std::span<const std::string> gateway_addresses, std::string_view role,
                                              LoginProof proof) {
  // In quotes no name is a keyword; a quote or a line's end in it would begin something else.
  if (role.find_first_of("\"\n\r\\") != std::string_view::npos)
    return fail(Errc::InvalidArgument, "the role's name can't stand in pg_hba.conf");
  const auto who = proof == LoginProof::Password ? std::string("all") : "\"" + std::string(role) + "\"";
  if (gateway_addresses.empty()) return fail(Errc::InvalidArgument, "at least one gateway address is needed");
  std::vector<std::string> lines;
  lines.emplace_back("# Bartizan: the gateway alone, over TLS. Put these lines before any other host line.");
  for (const auto& address : gateway_addresses) {
    BZ_TRY(const auto network, as_network(address));
    lines.push_back("hostssl all " + who + " " + network + " " + method_of(proof));
  }
  lines.emplace_back("host all all all reject");
  lines.emplace_back("host replication all all reject");
  return lines;
}

std::string embedded_pg_hba() {
  return "# Written by Bartizan at every start; changes are lost.\n"
         "local all all scram-sha-256\n"
         "local replication postgres scram-sha-256\n"
         "host all all all reject\n"
         "host replication all all reject\n";
}

}  // namespace bartizan::postgres
