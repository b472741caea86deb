#include "bartizan/auditlog/pruning.hpp"

#include <algorithm>
#include <charconv>

#include "bartizan/audit/record_terms.hpp"
#include "bartizan/audit/tile.hpp"
#include "bundle_codec.hpp"
#include "tree_store.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

/// So that no statement passes for a checkpoint, nor the other way round.
constexpr std::string_view kLabel = "bartizan audit pruned v1\n";

std::string statement(const std::string& origin, std::uint64_t minimum, WallTime now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return std::string(kLabel) + origin + "\n" + std::to_string(minimum) + "\n" + std::to_string(seconds) + "\n";
}

}  // namespace

Result<std::uint64_t> pruned_below(FileLayer& files, const std::string& folder, const audit::NoteVerifier& tree_key) {
  const auto bytes = read_whole(files, folder + "/" + std::string(kPrunedFile), audit::kMaxNoteBytes);
  if (!bytes && bytes.error().code == Errc::NotFound) return 0;
  if (!bytes) return tl::unexpected(bytes.error());
  const auto wrong = [&] {
    return fail(Errc::Crypto, "the statement of what was pruned in " + folder + " is not the log's");
  };
  const auto note = audit::parse_note(as_chars(*bytes));
  const std::string start = std::string(kLabel) + tree_key.name() + "\n";
  if (!note || !audit::signed_by(*note, tree_key) || !note->text.starts_with(start)) return wrong();
  std::uint64_t minimum = 0;
  const char* const digits = note->text.data() + start.size();
  const auto [end, error] = std::from_chars(digits, note->text.data() + note->text.size(), minimum);
  if (error != std::errc{} || *end != '\n' || minimum % audit::kTileWidth != 0) return wrong();
  return minimum;
}

Result<std::uint64_t> prunable_below(FileLayer& files, const std::string& folder, const audit::NoteVerifier& tree_key,
                                     std::uint64_t size, WallTime before) {
  BZ_TRY(std::uint64_t minimum, pruned_below(files, folder, tree_key));
  const FolderTiles tiles(files, folder);
  const std::int64_t before_ms = before.time_since_epoch().count() / 1000;
  audit::RecordTerms record;
  for (; minimum + audit::kTileWidth <= size; minimum += audit::kTileWidth) {
    BZ_TRY(const Bytes bundle, tiles.read({std::nullopt, minimum / audit::kTileWidth, audit::kTileWidth}));
    BZ_TRY(const auto entries, audit::decode_entries(bundle, audit::kTileWidth));
    for (const ByteView entry : entries)
      if (audit::read_terms(as_chars(entry), record) && record.time_ms >= before_ms) return minimum;
  }
  return minimum;
}

Result<void> prune_tree(FileLayer& files, const std::string& folder, const audit::NoteSigner& tree_signer,
                        std::uint64_t minimum, WallTime now) {
  BZ_ASSERT(minimum % audit::kTileWidth == 0);
  BZ_TRY(const std::uint64_t before, pruned_below(files, folder, tree_signer.verifier()));
  BZ_ASSERT(minimum >= before);
  if (minimum > before) {
    const std::string text = statement(tree_signer.verifier().name(), minimum, now);
    BZ_CHECK(
        replace_whole(files, folder, std::string(kPrunedFile), as_bytes(text + "\n" + tree_signer.sign(text, now))));
  }
  for (std::uint64_t number = minimum / audit::kTileWidth; number-- > 0;) {
    bool any = false;
    for (const auto& name : {audit::to_path({std::nullopt, number}), compressed_path(number),
                             compressed_path(number) + std::string(kHalfMade)}) {
      const auto removed = files.remove(folder + "/" + name);
      if (!removed && removed.error().code != Errc::NotFound) return removed;
      any = any || removed.has_value();
    }
    // What an earlier call has removed ends the work, unless that call was cut short.
    if (!any && number * audit::kTileWidth < before) break;
  }
  return {};
}

}  // namespace bartizan::auditlog
