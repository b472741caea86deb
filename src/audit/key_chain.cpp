#include "bartizan/audit/key_chain.hpp"

#include <algorithm>
#include <charconv>

namespace bartizan::audit {
namespace {

constexpr std::string_view kLabel = "bartizan audit key v1";
constexpr std::size_t kLines = 7;

/// What stands behind the key's name and id: base64 of type and key.
std::string bare(const NoteVerifier& key) {
  const auto text = key.to_string();
  return text.substr(text.find('+', text.find('+') + 1) + 1);
}

std::int64_t seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end == std::string_view::npos ? end : end + 1, text.size()));
  }
  return out;
}

bool number_of(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && std::to_string(value) == text;
}

tl::unexpected<Error> none() {
  return fail(Errc::Crypto, "not a note by which one key of this log introduces the next");
}

}  // namespace

std::string introduce_key(std::uint64_t number, const NoteSigner& before, const NoteSigner& after, WallTime at,
                          WallTime until) {
  std::string text(kLabel);
  for (const auto& line : {before.verifier().name(), std::to_string(number), bare(before.verifier()),
                           bare(after.verifier()), std::to_string(seconds(at)), std::to_string(seconds(until))})
    text.append("\n").append(line);
  text += "\n";
  return text + "\n" + before.sign(text, at) + after.sign(text, at);
}

Result<KeyIntroduction> open_introduction(std::string_view text, const std::string& origin) {
  BZ_TRY(const Note note, parse_note(text));
  const auto lines = lines_of(note.text);
  if (lines.size() != kLines || lines[0] != kLabel || lines[1] != origin) return none();
  // Their ids are reckoned anew: the note names the keys themselves.
  const auto key = [&](std::string_view line) { return NoteVerifier::from_bytes(origin, line); };
  BZ_TRY(auto before, key(lines[3]));
  BZ_TRY(auto after, key(lines[4]));
  std::uint64_t number = 0;
  std::uint64_t at = 0;
  std::uint64_t until = 0;
  if (!number_of(lines[2], number) || !number_of(lines[5], at) || !number_of(lines[6], until) ||
      (at | until) >> 40 != 0 || number < kFirstIntroduced || !signed_by(note, before) || !signed_by(note, after))
    return none();
  const auto time = [](std::uint64_t value) {
    return WallTime(std::chrono::seconds(static_cast<std::int64_t>(value)));
  };
  return KeyIntroduction{number, std::move(before), std::move(after), time(at), time(until)};
}

Result<KeyChain> KeyChain::read(const std::vector<std::string>& notes, const std::string& origin) {
  KeyChain chain;
  for (const auto& note : notes) {
    BZ_TRY(auto introduction, open_introduction(note, origin));
    if (!chain.empty() &&
        (introduction.number != chain.last().number + 1 || bare(introduction.before) != bare(chain.last().after)))
      return none();
    chain.introductions_.push_back(std::move(introduction));
  }
  return chain;
}

std::vector<NoteVerifier> KeyChain::keys() const {
  std::vector<NoteVerifier> out;
  for (const auto& introduction : introductions_) out.push_back(introduction.before);
  if (!empty()) out.push_back(last().after);
  return out;
}

bool KeyChain::holds(const NoteVerifier& key) const {
  const auto all = keys();
  return std::any_of(all.begin(), all.end(), [&](const NoteVerifier& one) { return bare(one) == bare(key); });
}

}  // namespace bartizan::audit
