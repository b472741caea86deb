#include "bartizan/shipping/follower.hpp"

#include <algorithm>
#include <charconv>

namespace bartizan::shipping {
namespace {

constexpr std::string_view kMagic = "bartizan-shipping 1";
constexpr std::uint64_t kBundle = 256;

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace

std::string Cursor::to_text(const std::string& origin) const {
  std::string out(kMagic);
  out.append("\norigin ").append(origin).append("\nsystem ").append(std::to_string(system)).append("\n");
  for (const auto& [name, index] : tenants) out.append(name).append(" ").append(std::to_string(index)).append("\n");
  return out;
}

Result<Cursor> Cursor::parse(std::string_view text, const std::string& origin) {
  Cursor out;
  if (take_line(text) != kMagic) return fail(Errc::Malformed, "not a cursor of shipping");
  if (take_line(text) != "origin " + origin) return fail(Errc::FailedPrecondition, "a cursor of another log");
  bool system = false;
  while (!text.empty()) {
    const auto line = take_line(text);
    const auto space = line.rfind(' ');
    const auto index = space == std::string_view::npos ? std::nullopt : parse_number(line.substr(space + 1));
    if (!index) return fail(Errc::Malformed, "a cursor's line is a tree and a number");
    const std::string name(line.substr(0, space));
    if (name == auditlog::kSystemTree) {
      out.system = *index;
      system = true;
    } else {
      out.tenants[name] = *index;
    }
  }
  if (!system) return fail(Errc::Malformed, "the cursor does not name the system's tree");
  return out;
}

struct Follower::Filling {
  Read read;
  std::size_t bytes = 0;
  std::size_t most_records;
  std::size_t most_bytes;

  [[nodiscard]] bool full() const { return read.records.size() >= most_records; }
  /// False: no room for it.
  bool take(const std::string& record) {
    if (full() || (!read.records.empty() && bytes + record.size() > most_bytes)) return false;
    bytes += record.size();
    read.records.push_back(record);
    return true;
  }
};

Result<void> Follower::open(OpenTree& tree, const std::string& name) {
  auto reader = auditlog::TreeReader::open(place_.directory, place_.origin, name, place_.key, files_);
  if (!reader) return tl::unexpected(reader.error());
  tree.reader.emplace(std::move(*reader));
  tree.bundle = ~std::uint64_t{0};
  tree.entries.clear();
  return {};
}

/// Null: it is gone, with its whole bundle. A partial bundle is only ever replaced by a fuller one.
Result<const std::string*> Follower::entry(OpenTree& tree, std::uint64_t index) {
  const std::uint64_t number = index / kBundle;
  if (tree.bundle != number) {
    auto entries = tree.reader->bundle(number);
    const bool full = (number + 1) * kBundle <= tree.reader->checkpoint().size;
    if (!entries && entries.error().code == Errc::NotFound && full) return nullptr;
    if (!entries) return tl::unexpected(entries.error());
    tree.entries = std::move(*entries);
    tree.bundle = number;
  }
  if (index % kBundle >= tree.entries.size()) return fail(Errc::Malformed, "a bundle of the audit log is too short");
  return &tree.entries[index % kBundle];
}

/// The records of a tenant's tree up to the checkpoint in note. False: the batch is full before.
Result<bool> Follower::fill_tenant(const std::string& note, Filling& filling) {
  std::string_view rest = note;
  const auto origin = take_line(rest);
  const auto size = parse_number(take_line(rest));
  const std::string prefix = place_.origin + "/";
  if (!size || !origin.starts_with(prefix)) return fail(Errc::Malformed, "a leaf of the system tree is no checkpoint");
  const std::string name(origin.substr(prefix.size()));
  std::uint64_t& at = filling.read.after.tenants[name];
  if (at >= *size) return true;
  if (tenant_name_ != name || !tenant_.reader || tenant_.reader->checkpoint().size < *size) {
    tenant_name_ = name;
    BZ_CHECK(open(tenant_, name));
  }
  if (tenant_.reader->checkpoint().size < *size)
    return fail(Errc::Malformed, "the tree " + name + " is smaller than its checkpoint in the system tree");
  while (at < *size) {
    BZ_TRY(const std::string* const record, entry(tenant_, at));
    if (record == nullptr) {
      const std::uint64_t next = std::min(*size, (at / kBundle + 1) * kBundle);
      filling.read.missing += next - at;
      at = next;
      continue;
    }
    if (!filling.take(*record)) return false;
    ++at;
  }
  return true;
}

Result<Follower::Read> Follower::read(const Cursor& from, std::size_t most_records, std::size_t most_bytes) {
  Filling filling{{{}, from, 0}, 0, most_records, most_bytes};
  std::uint64_t& at = filling.read.after.system;
  if (!system_.reader || at >= system_.reader->checkpoint().size) {
    const auto opened = open(system_, std::string(auditlog::kSystemTree));
    if (!opened && opened.error().code == Errc::NotFound) return std::move(filling.read);
    if (!opened) return tl::unexpected(opened.error());
  }
  const std::uint64_t size = system_.reader->checkpoint().size;
  if (at > size) return fail(Errc::FailedPrecondition, "the log is shorter than what was shipped of it");
  while (at < size && !filling.full()) {
    BZ_TRY(const std::string* const leaf, entry(system_, at));
    if (leaf == nullptr) {
      const std::uint64_t next = std::min(size, (at / kBundle + 1) * kBundle);
      filling.read.missing += next - at;
      at = next;
      continue;
    }
    if (leaf->starts_with('{')) {
      if (!filling.take(*leaf)) break;
    } else {
      BZ_TRY(const bool whole, fill_tenant(*leaf, filling));
      if (!whole) break;
    }
    ++at;
  }
  return std::move(filling.read);
}

}  // namespace bartizan::shipping
