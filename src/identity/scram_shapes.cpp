#include "bartizan/identity/scram_shapes.hpp"

#include <string>

#include "scram_keys.hpp"
#include "scram_message.hpp"

namespace bartizan::identity {
namespace {

constexpr std::string_view kPrefix = "SCRAM-SHA-256$";

std::size_t decoded_size(std::string_view base64) noexcept {
  const std::size_t padding = base64.ends_with("==") ? 2 : base64.ends_with("=") ? 1 : 0;
  return base64.size() % 4 == 0 && base64.size() > padding ? base64.size() / 4 * 3 - padding : 0;
}

}  // namespace

void ScramShapes::add(std::string_view verifier) {
  if (!looks_like_scram_verifier(verifier)) return;
  verifier.remove_prefix(kPrefix.size());
  const auto colon = verifier.find(':');
  const auto dollar = verifier.find('$', colon == std::string_view::npos ? 0 : colon);
  if (colon == std::string_view::npos || dollar == std::string_view::npos) return;
  const auto iterations = parse_iterations(verifier.substr(0, colon), kMaxVerifierIterations);
  const auto salt_bytes = decoded_size(verifier.substr(colon + 1, dollar - colon - 1));
  if (!iterations || salt_bytes == 0 || salt_bytes > kMaxScramSaltSize) return;
  ++counts_[ScramShape{*iterations, salt_bytes}];
  ++total_;
}

ScramShape ScramShapes::draw(std::string_view user_name, ByteView mock_secret, ScramShape fallback) const {
  if (total_ == 0) return fallback;
  const auto hash = secret_hmac(mock_secret, std::string("scram mock shape\n").append(user_name));
  // A point of [0, 1) that is the name's own, so that a few verifiers more move few names.
  const double point = static_cast<double>(load_be32(hash.reveal().data())) / 4294967296.0;
  auto left = static_cast<std::uint64_t>(point * static_cast<double>(total_));
  for (const auto& [shape, count] : counts_) {
    if (left < count) return shape;
    left -= count;
  }
  return counts_.rbegin()->first;
}

}  // namespace bartizan::identity
