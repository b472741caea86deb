#include "bartizan/transform/column_cipher.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "bartizan/crypto/hmac_key.hpp"
#include "bartizan/crypto/xaes_256_gcm.hpp"
#include "subject_ciphers.hpp"

namespace bartizan::transform {
namespace {

static_assert(kCellNonceBytes == crypto::Xaes256Gcm::kNonceSize);
static_assert(kCellTagBytes == crypto::Xaes256Gcm::kTagSize);
static_assert(kMaxPlaintextBytes <= crypto::Xaes256Gcm::kMaxBytes);

constexpr std::size_t kHedgeBytes = 32;
/// "bzc1", header, tenant, column, type oid; then blind index and row digest where they are.
constexpr std::size_t kFixedAad = 4 + kCellHeaderBytes + 16 + 16 + 4;
constexpr std::size_t kMaxAad = kFixedAad + kBlindIndexBytes + crypto::kSha256Size;

tl::unexpected<Error> subject_destroyed(Errc code) { return fail(code, kSubjectDestroyed); }
tl::unexpected<Error> does_not_open() { return fail(Errc::Crypto, kCellDoesNotOpen); }

/// The associated data of one cell, on the stack.
class Aad {
 public:
  explicit Aad(const std::array<std::byte, kFixedAad>& fixed) { std::copy(fixed.begin(), fixed.end(), bytes_.begin()); }
  void header(ByteView header) noexcept { std::copy(header.begin(), header.end(), bytes_.begin() + 4); }
  void add(ByteView part) noexcept {
    std::copy(part.begin(), part.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += part.size();
  }
  [[nodiscard]] ByteView view() const noexcept { return ByteView(bytes_).first(size_); }

 private:
  std::array<std::byte, kMaxAad> bytes_;
  std::size_t size_ = kFixedAad;
};

struct DataKey {
  keys::KeyId id;
  crypto::Xaes256Gcm cipher;
  crypto::HmacSha256Key nonce;
};

}  // namespace

struct ColumnCipher::State {
  CellPlace place;
  std::array<std::byte, kFixedAad> aad{};  ///< with zeros in the header's place
  std::vector<DataKey> data;
  keys::KeyId active;
  std::vector<crypto::HmacSha256Key> index;
  WipedBytes index_form;
  WipedBytes guess;
  std::optional<SubjectCiphers> subjects;  ///< where the place is by subject

  [[nodiscard]] DataKey* find(keys::KeyId id) noexcept {
    const auto found = std::find_if(data.begin(), data.end(), [&](const auto& key) { return key.id == id; });
    return found == data.end() ? nullptr : &*found;
  }

  /// Of a key that is there, and a subject that is not destroyed.
  [[nodiscard]] crypto::Xaes256Gcm& cipher(DataKey& key, const RowDigest* row) {
    return subjects ? subjects->cipher(key.id, *row) : key.cipher;
  }
  [[nodiscard]] bool is_destroyed(const RowDigest* row) { return subjects && subjects->is_destroyed(*row); }

  void prepare_aad() {
    auto at = aad.begin();
    for (const char c : {'b', 'z', 'c', '1'}) *at++ = static_cast<std::byte>(c);
    at += kCellHeaderBytes;
    for (const auto* id : {&place.tenant, &place.column})
      for (const auto octet : id->octets) *at++ = std::byte{octet};
    store_be32(&*at, oid_of(place.type));
  }

  [[nodiscard]] Result<void> make_index_form(ByteView canonical) {
    BoundedBytes form(index_form.use(canonical.size() + 1), canonical.size() + 1);
    auto done = to_index_form(place.type, canonical, form);
    if (!done) index_form.clear();
    return done;
  }
  [[nodiscard]] BlindIndexValue index_under(crypto::HmacSha256Key& key) {
    auto digest = key.mac({index_form.view()});
    BlindIndexValue made;
    std::copy_n(digest.begin(), made.size(), made.begin());
    secure_wipe(digest.data(), digest.size());
    return made;
  }
};

ColumnCipher::ColumnCipher(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
ColumnCipher::ColumnCipher(ColumnCipher&&) noexcept = default;
ColumnCipher& ColumnCipher::operator=(ColumnCipher&&) noexcept = default;
ColumnCipher::~ColumnCipher() = default;

Result<ColumnCipher> ColumnCipher::make(const CellPlace& place, ColumnKeySet keys) {
  if (place.column.is_nil()) return fail(Errc::InvalidArgument, "a column's id is not nil");
  // Without any key nothing opens, and no tree is needed for that.
  if (place.by_subject && (!place.row_bound || (keys.subjects == nullptr && !keys.readable.empty())))
    return fail(Errc::InvalidArgument, "a column by subject is row-bound, and its owner has a tree of subjects");
  auto state = std::make_unique<State>();
  state->place = place;
  state->active = keys.active;
  state->prepare_aad();
  for (const auto& key : keys.readable) {
    if (key.id == keys::KeyId{} || state->find(key.id) != nullptr || key.nonce.size() != keys::kKeyBytes)
      return fail(Errc::InvalidArgument, "a column's keys are not well-formed");
    BZ_TRY(auto cipher, crypto::Xaes256Gcm::from_key(key.data.reveal()));
    state->data.push_back({key.id, std::move(cipher), crypto::HmacSha256Key(key.nonce.reveal())});
  }
  if (place.by_subject && keys.subjects != nullptr)
    state->subjects.emplace(place.column, std::move(keys.subjects), std::move(keys.readable));
  for (const auto& key : keys.index) {
    if (key.key.size() != keys::kKeyBytes) return fail(Errc::InvalidArgument, "an index key has 32 bytes");
    state->index.emplace_back(key.key.reveal());
  }
  if (keys.active != keys::KeyId{} && state->find(keys.active) == nullptr)
    return fail(Errc::InvalidArgument, "the active key is not among the column's keys");
  return ColumnCipher(std::move(state));
}

const CellPlace& ColumnCipher::place() const noexcept { return state_->place; }
bool ColumnCipher::searchable() const noexcept { return !state_->index.empty(); }
const keys::SubjectTree* ColumnCipher::subjects() const noexcept {
  return state_->subjects ? &state_->subjects->tree() : nullptr;
}

Result<void> ColumnCipher::seal(ByteView canonical, const RowDigest* row, Random& random, BoundedBytes& out) {
  DataKey* key = state_->active == keys::KeyId{} ? nullptr : state_->find(state_->active);
  if (key == nullptr) return fail(Errc::FailedPrecondition, "there is no active key for this column");
  if ((row != nullptr) != state_->place.row_bound)
    return fail(Errc::FailedPrecondition, "the row of a row-bound column, and of no other, must be known");
  if (canonical.size() > kMaxPlaintextBytes) return fail(Errc::TooLarge, "the value is longer than permitted");
  if (state_->is_destroyed(row)) return subject_destroyed(Errc::PermissionDenied);

  const bool indexed = searchable();
  const auto size = (indexed ? kIndexedCellOverhead : kCellOverhead) + canonical.size();
  BlindIndexValue index{};
  if (indexed) {
    BZ_CHECK(state_->make_index_form(canonical));
    index = state_->index_under(state_->index.front());
    state_->index_form.clear();
  }
  const auto cell = out.append_span(size);
  if (cell.empty()) return fail(Errc::TooLarge, "the encrypted value is longer than permitted");

  const auto header = cell.first(kCellHeaderBytes);
  header[0] = kCellMagic;
  header[1] = static_cast<std::byte>(kCellVersion << 4 | (indexed ? 1 : 0) | (row != nullptr ? 2 : 0));
  store_be32(header.data() + 2, key->id.get());
  store_be16(header.data() + 6, state_->place.column_ref);
  Aad aad(state_->aad);
  aad.header(header);
  if (indexed) {
    std::copy(index.begin(), index.end(), cell.begin() + kCellHeaderBytes);
    aad.add(index);
  }
  if (row != nullptr) aad.add(*row);

  std::array<std::byte, kHedgeBytes + 4> hedge;
  random.fill(std::span(hedge).first(kHedgeBytes));
  store_be32(hedge.data() + kHedgeBytes, static_cast<std::uint32_t>(aad.view().size()));
  const auto digest = key->nonce.mac({hedge, aad.view(), canonical});
  secure_wipe(hedge.data(), hedge.size());
  const auto nonce = cell.subspan(size - kCellNonceBytes - canonical.size() - kCellTagBytes, kCellNonceBytes);
  std::copy_n(digest.begin(), nonce.size(), nonce.begin());
  state_->cipher(*key, row).seal(crypto::Xaes256Gcm::NonceView(nonce), aad.view(), canonical,
                                 cell.last(canonical.size() + kCellTagBytes));
  return {};
}

Result<void> ColumnCipher::open(ByteView cell, const RowDigest* row, BoundedBytes& out) {
  if ((row != nullptr) != state_->place.row_bound)
    return fail(Errc::FailedPrecondition, "the row of a row-bound column, and of no other, must be known");
  const auto parts = parse_cell(cell);
  if (!parts || parts->row_bound != state_->place.row_bound || parts->column_ref != state_->place.column_ref ||
      parts->sealed.size() > kMaxPlaintextBytes + kCellTagBytes)
    return does_not_open();
  // First: its version may be gone by now, since nobody could seal it again.
  if (state_->is_destroyed(row)) return subject_destroyed(Errc::NotFound);
  DataKey* key = state_->find(parts->key_id);
  if (key == nullptr) return does_not_open();

  Aad aad(state_->aad);
  aad.header(parts->header);
  if (!parts->blind_index.empty()) aad.add(parts->blind_index);
  if (row != nullptr) aad.add(*row);
  const auto before = out.size();
  const auto size = parts->sealed.size() - kCellTagBytes;
  const auto plaintext = out.append_span(size);
  if (out.overflowed()) return fail(Errc::TooLarge, "the value is longer than permitted");
  if (!state_->cipher(*key, row).open(crypto::Xaes256Gcm::NonceView(parts->nonce), aad.view(), parts->sealed,
                                      plaintext)) {
    out.truncate(before);
    return does_not_open();
  }
  return {};
}

Result<void> ColumnCipher::open_cut(ByteView bytes, const RowDigest* row, BoundedBytes& out) {
  const auto cut = parse_cut_cell(bytes);
  if (!cut) return open(bytes, row, out);
  if ((row != nullptr) != state_->place.row_bound)
    return fail(Errc::FailedPrecondition, "the row of a row-bound column, and of no other, must be known");
  if (cut->row_bound != state_->place.row_bound || cut->column_ref != state_->place.column_ref ||
      cut->sealed.size() > kMaxPlaintextBytes + kCellTagBytes)
    return does_not_open();
  if (state_->is_destroyed(row)) return subject_destroyed(Errc::NotFound);
  DataKey* key = state_->find(cut->key_id);
  if (key == nullptr) return does_not_open();
  crypto::Xaes256Gcm& cipher = state_->cipher(*key, row);
  const crypto::Xaes256Gcm::NonceView nonce(cut->nonce);
  const auto size = cut->sealed.size() - kCellTagBytes;
  // GCM enciphers by a key stream: sealing the ciphertext gives what the cell would hold. It is used for nothing
  // but the index, and nothing of it leaves before the tag has been checked over that.
  auto& guess = state_->guess.use(size + kCellTagBytes);
  guess.resize(size + kCellTagBytes);
  cipher.seal(nonce, {}, cut->sealed.first(size), guess);
  const auto form = state_->make_index_form(ByteView(guess).first(size));
  state_->guess.clear();
  if (!form) return does_not_open();
  const auto before = out.size();
  const auto plaintext = out.append_span(size);
  if (out.overflowed()) {
    state_->index_form.clear();
    return fail(Errc::TooLarge, "the value is longer than permitted");
  }
  bool opened = false;
  for (auto& index : state_->index) {  // two of them while an index root is rotated
    Aad aad(state_->aad);
    aad.header(cut->header);
    aad.add(state_->index_under(index));
    if (row != nullptr) aad.add(*row);
    opened = cipher.open(nonce, aad.view(), cut->sealed, plaintext);
    if (opened) break;
  }
  state_->index_form.clear();
  if (opened) return {};
  out.truncate(before);
  return does_not_open();
}

Result<BlindIndexValue> ColumnCipher::blind_index(ByteView canonical) {
  BZ_TRY(auto all, blind_indexes(canonical));
  return all.front();
}

Result<std::vector<BlindIndexValue>> ColumnCipher::blind_indexes(ByteView canonical) {
  if (!searchable()) return fail(Errc::FailedPrecondition, "the column has no equality search");
  if (canonical.size() > kMaxPlaintextBytes) return fail(Errc::TooLarge, "the value is longer than permitted");
  BZ_CHECK(state_->make_index_form(canonical));
  std::vector<BlindIndexValue> made;
  for (auto& key : state_->index) made.push_back(state_->index_under(key));
  state_->index_form.clear();
  return made;
}

}  // namespace bartizan::transform
