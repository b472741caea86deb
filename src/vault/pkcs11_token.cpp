#include "pkcs11_token.hpp"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <mutex>
#include <string_view>

namespace bartizan::vault {
namespace {

constexpr std::size_t kMaxRootKeys = 1024;
constexpr std::size_t kLabelBytes = 32;  ///< of CK_TOKEN_INFO, padded with spaces

Error error_of(const char* call, CK_RV status) {
  char code[16];
  std::snprintf(code, sizeof code, "0x%08lx", status);
  std::string detail = std::string("PKCS #11: ") + call + " gives " + code;
  switch (status) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_LOCKED:
    case CKR_PIN_EXPIRED:
    case CKR_PIN_LEN_RANGE: return {Errc::PermissionDenied, std::move(detail)};
    default: return {Errc::Unavailable, std::move(detail)};
  }
}
Result<void> checked(const char* call, CK_RV status) {
  if (status != CKR_OK) return tl::unexpected(error_of(call, status));
  return {};
}

/// PKCS #11 takes what it only reads by pointers to non-const.
unsigned char* unconst(ByteView bytes) {
  return const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));  // NOLINT
}
unsigned char* writable(std::span<std::byte> bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

template <class T>
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, T& value) {
  return {type, &value, sizeof value};
}
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, ByteView value) { return {type, unconst(value), value.size()}; }

std::string_view label_of(const CK_TOKEN_INFO& info) {
  std::string_view label(reinterpret_cast<const char*>(info.label), kLabelBytes);
  const auto end = label.find_last_not_of(' ');
  return label.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

Result<CK_SLOT_ID> find_slot(CK_FUNCTION_LIST& api, const std::string& token_label) {
  std::array<CK_SLOT_ID, 256> slots{};
  CK_ULONG count = slots.size();
  BZ_CHECK(checked("C_GetSlotList", api.C_GetSlotList(1, slots.data(), &count)));
  for (const auto slot : std::span(slots).first(std::min<std::size_t>(count, slots.size()))) {
    CK_TOKEN_INFO info{};
    if (api.C_GetTokenInfo(slot, &info) == CKR_OK && label_of(info) == token_label) return slot;
  }
  return fail(Errc::NotFound, "PKCS #11: there is no token of this label");
}

/// How many tokens use a module: its work ends with the last one.
struct Modules {
  std::mutex mutex;
  std::map<CK_FUNCTION_LIST*, int> users;
};

Modules& modules() {
  static Modules all;
  return all;
}

void release(CK_FUNCTION_LIST* api) {
  const std::lock_guard lock(modules().mutex);
  if (--modules().users[api] > 0) return;
  modules().users.erase(api);
  api->C_Finalize(nullptr);
}

}  // namespace

struct Pkcs11Token::State {
  void* library = nullptr;
  CK_FUNCTION_LIST* api = nullptr;
  bool initialised = false;  ///< by us: only then finalised by us, with the last token of the module
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (session != CK_INVALID_HANDLE) api->C_CloseSession(session);
    if (initialised) release(api);
    if (library != nullptr) ::dlclose(library);
  }

  Result<void> load(const std::filesystem::path& module) {
    if (!module.is_absolute()) return fail(Errc::InvalidArgument, "PKCS #11: the module's path must be absolute");
    library = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return fail(Errc::NotFound, "PKCS #11: the module cannot be loaded");
    using GetFunctionList = CK_RV (*)(CK_FUNCTION_LIST**);
    const auto get = reinterpret_cast<GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    if (get == nullptr) return fail(Errc::InvalidArgument, "PKCS #11: this library is not a module");
    BZ_CHECK(checked("C_GetFunctionList", get(&api)));
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    const std::lock_guard lock(modules().mutex);
    const CK_RV status = api->C_Initialize(&arguments);
    const auto found = modules().users.find(api);
    // Initialised by somebody else in this process: theirs to end.
    if (status == CKR_CRYPTOKI_ALREADY_INITIALIZED && found == modules().users.end()) return {};
    if (status != CKR_OK && status != CKR_CRYPTOKI_ALREADY_INITIALIZED) return checked("C_Initialize", status);
    initialised = true;
    ++modules().users[api];
    return {};
  }

  Result<void> log_in(CK_SLOT_ID slot, const SecretBytes& pin) {
    BZ_CHECK(checked("C_OpenSession",
                     api->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session)));
    const CK_RV status = api->C_Login(session, CKU_USER, unconst(pin.reveal()), pin.size());
    return status == CKR_USER_ALREADY_LOGGED_IN ? Result<void>() : checked("C_Login", status);
  }

  /// The AES keys under a label, with this id where one is given.
  Result<std::vector<CK_OBJECT_HANDLE>> find(const std::string& label, std::optional<ByteView> id) {
    CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    std::vector<CK_ATTRIBUTE> wanted{attribute(CKA_CLASS, kind), attribute(CKA_KEY_TYPE, type),
                                     attribute(CKA_LABEL, as_bytes(label))};
    if (id) wanted.push_back(attribute(CKA_ID, *id));
    BZ_CHECK(checked("C_FindObjectsInit", api->C_FindObjectsInit(session, wanted.data(), wanted.size())));
    std::vector<CK_OBJECT_HANDLE> found(kMaxRootKeys);
    CK_ULONG count = 0;
    const CK_RV status = api->C_FindObjects(session, found.data(), found.size(), &count);
    api->C_FindObjectsFinal(session);
    BZ_CHECK(checked("C_FindObjects", status));
    found.resize(std::min<std::size_t>(count, found.size()));
    return found;
  }

  [[nodiscard]] CK_GCM_PARAMS gcm(ByteView nonce, ByteView aad) const {
    CK_GCM_PARAMS parameters{};
    parameters.iv_ptr = unconst(nonce);
    parameters.iv_len = nonce.size();
    parameters.iv_bits = nonce.size() * 8;
    parameters.aad_ptr = unconst(aad);
    parameters.aad_len = aad.size();
    parameters.tag_bits = kTokenTagBytes * 8;
    return parameters;
  }
};

Pkcs11Token::Pkcs11Token(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Pkcs11Token::~Pkcs11Token() = default;

Result<std::unique_ptr<Pkcs11Token>> Pkcs11Token::open(const std::filesystem::path& module,
                                                       const std::string& token_label, const SecretBytes& pin) {
  if (token_label.empty() || token_label.size() > kLabelBytes)
    return fail(Errc::InvalidArgument, "PKCS #11: a token's label has 1 to 32 bytes");
  auto state = std::make_unique<State>();
  BZ_CHECK(state->load(module));
  BZ_TRY(const auto slot, find_slot(*state->api, token_label));
  BZ_CHECK(state->log_in(slot, pin));
  return std::unique_ptr<Pkcs11Token>(new Pkcs11Token(std::move(state)));
}

Result<std::vector<Bytes>> Pkcs11Token::key_ids(const std::string& label) {
  BZ_TRY(const auto found, state_->find(label, std::nullopt));
  std::vector<Bytes> ids;
  for (const auto key : found) {
    Bytes id(64);
    CK_ATTRIBUTE asked{CKA_ID, id.data(), id.size()};
    BZ_CHECK(checked("C_GetAttributeValue", state_->api->C_GetAttributeValue(state_->session, key, &asked, 1)));
    id.resize(std::min<std::size_t>(asked.ulValueLen, id.size()));
    ids.push_back(std::move(id));
  }
  return ids;
}

Result<std::optional<Pkcs11Token::KeyHandle>> Pkcs11Token::find_key(const std::string& label, ByteView id) {
  BZ_TRY(const auto found, state_->find(label, id));
  if (found.size() > 1) return fail(Errc::FailedPrecondition, "PKCS #11: two root keys have one version");
  if (found.empty()) return std::optional<KeyHandle>();
  return std::optional<KeyHandle>(found.front());
}

Result<void> Pkcs11Token::generate_key(const std::string& label, ByteView id) {
  CK_BBOOL yes = 1, no = 0;
  CK_ULONG size = 32;
  std::array attributes{attribute(CKA_TOKEN, yes),      attribute(CKA_PRIVATE, yes),
                        attribute(CKA_SENSITIVE, yes),  attribute(CKA_EXTRACTABLE, no),
                        attribute(CKA_ENCRYPT, yes),    attribute(CKA_DECRYPT, yes),
                        attribute(CKA_WRAP, no),        attribute(CKA_UNWRAP, no),
                        attribute(CKA_VALUE_LEN, size), attribute(CKA_LABEL, as_bytes(label)),
                        attribute(CKA_ID, id)};
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  return checked("C_GenerateKey",
                 state_->api->C_GenerateKey(state_->session, &mechanism, attributes.data(), attributes.size(), &key));
}

Result<void> Pkcs11Token::destroy_key(KeyHandle key) {
  return checked("C_DestroyObject", state_->api->C_DestroyObject(state_->session, key));
}

Result<Bytes> Pkcs11Token::encrypt(KeyHandle key, ByteView nonce, ByteView aad, ByteView plaintext) {
  auto parameters = state_->gcm(nonce, aad);
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
  BZ_CHECK(checked("C_EncryptInit", state_->api->C_EncryptInit(state_->session, &mechanism, key)));
  Bytes sealed(plaintext.size() + kTokenTagBytes);
  CK_ULONG size = sealed.size();
  BZ_CHECK(checked("C_Encrypt", state_->api->C_Encrypt(state_->session, unconst(plaintext), plaintext.size(),
                                                       writable(sealed), &size)));
  if (size != sealed.size()) return fail(Errc::Internal, "PKCS #11: the token's AES-GCM gives a wrong length");
  return sealed;
}

Result<SecretBytes> Pkcs11Token::decrypt(KeyHandle key, ByteView nonce, ByteView aad, ByteView sealed) {
  auto parameters = state_->gcm(nonce, aad);
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
  BZ_CHECK(checked("C_DecryptInit", state_->api->C_DecryptInit(state_->session, &mechanism, key)));
  SecretBytes plaintext(sealed.size());  // some tokens want room for the tag
  CK_ULONG size = plaintext.size();
  const CK_RV status = state_->api->C_Decrypt(state_->session, unconst(sealed), sealed.size(),
                                              writable(plaintext.reveal_mutable()), &size);
  switch (status) {
    case CKR_OK: break;
    case CKR_DEVICE_ERROR:
    case CKR_DEVICE_REMOVED:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_TOKEN_NOT_PRESENT: return tl::unexpected(error_of("C_Decrypt", status));
    default: return fail(Errc::Crypto, "the wrapped key does not open");
  }
  if (size + kTokenTagBytes != sealed.size()) return fail(Errc::Crypto, "the wrapped key does not open");
  return SecretBytes(plaintext.reveal().first(size));
}

}  // namespace bartizan::vault
