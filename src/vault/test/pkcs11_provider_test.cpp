// Against SoftHSM (Debian's softhsm2), with a token of its own; skipped where that is not there.
#include "bartizan/vault/pkcs11_provider.hpp"

#include <cstdlib>

#include "vault_testing.hpp"

namespace bartizan::vault {
namespace {

using test::example_context;
using test::Folder;

constexpr const char* kModules[] = {"/usr/lib/softhsm/libsofthsm2.so",
                                    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                                    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"};

/// Makes a token "bartizan" with the PIN 1234 in the folder; false where SoftHSM is not there.
bool make_token(const Folder& folder, Pkcs11Options& options) {
  for (const auto* module : kModules)
    if (std::filesystem::exists(module)) options.module = module;
  if (options.module.empty() || std::system("command -v softhsm2-util >/dev/null 2>&1") != 0) {
    MESSAGE("SKIPPED: SoftHSM is not installed (Debian package softhsm2)");
    return false;
  }
  std::filesystem::create_directory(folder.file("tokens"));
  std::ofstream(folder.file("softhsm2.conf")) << "directories.tokendir = " << folder.file("tokens").string()
                                              << "\nobjectstore.backend = file\nlog.level = ERROR\n";
  REQUIRE(::setenv("SOFTHSM2_CONF", folder.file("softhsm2.conf").c_str(), 1) == 0);
  REQUIRE(std::system("softhsm2-util --init-token --free --label bartizan --so-pin 5678 --pin 1234 >/dev/null 2>&1") ==
          0);
  options.token_label = "bartizan";
  options.key_label = "bartizan-root";
  options.name = "pkcs11:test";
  return true;
}

std::unique_ptr<Pkcs11Provider> must_open(const Pkcs11Options& options) {
  auto provider = Pkcs11Provider::open(options, SecretBytes(std::string_view("1234")), system_random());
  REQUIRE_MESSAGE(provider, (provider ? "" : provider.error().detail));
  return std::move(*provider);
}

TEST_CASE("a token wraps, rotates and forgets, and what it wrapped opens after a new login") {
  const Folder folder;
  Pkcs11Options options;
  if (!make_token(folder, options)) return;
  const auto context = example_context();
  const SecretBytes secret(std::string(32, 's'));
  keys::WrappedSecret under_1, under_2;
  {
    const auto provider = must_open(options);
    CHECK(provider->active_root().error().code == Errc::FailedPrecondition);
    CHECK(provider->wrap(secret, context).error().code == Errc::FailedPrecondition);
    CHECK(provider->rotate().value() == keys::RootRef{"pkcs11:test", 1});
    under_1 = provider->wrap(secret, context).value();
    CHECK(under_1.bytes.size() == 12 + 32 + 16);
    CHECK(provider->rotate().value().version == 2);
    CHECK(provider->active_root().value() == keys::RootRef{"pkcs11:test", 2});
    under_2 = provider->wrap(secret, context).value();
    CHECK(under_2.root.version == 2);
  }
  const auto provider = must_open(options);
  for (const auto* wrapped : {&under_1, &under_2}) {
    const auto opened = provider->unwrap(*wrapped, context);
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().detail));
    CHECK(opened->reveal_chars() == secret.reveal_chars());
  }
  CHECK(provider->destroy(2).error().code == Errc::FailedPrecondition);
  CHECK(provider->destroy(3).error().code == Errc::NotFound);
  REQUIRE(provider->destroy(1));
  CHECK(provider->unwrap(under_1, context).error().code == Errc::NotFound);
  CHECK(provider->unwrap(under_2, context));
}

TEST_CASE("what a token wrapped opens in its own context alone, unchanged") {
  const Folder folder;
  Pkcs11Options options;
  if (!make_token(folder, options)) return;
  const auto provider = must_open(options);
  REQUIRE(provider->rotate());
  const auto context = example_context();
  const auto wrapped = provider->wrap(SecretBytes(std::string(32, 's')), context).value();
  const auto refused = [&](const keys::WrappedSecret& bytes, const keys::WrapContext& under, Errc code) {
    const auto opened = provider->unwrap(bytes, under);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == code);
  };
  auto other = context;
  other.id = keys::KeyId(6);
  refused(wrapped, other, Errc::Crypto);
  other = context;
  other.purpose = keys::KeyPurpose::Index;
  refused(wrapped, other, Errc::Crypto);
  for (std::size_t at = 0; at < wrapped.bytes.size(); ++at) {
    auto changed = wrapped;
    changed.bytes[at] ^= std::byte{1};
    refused(changed, context, Errc::Crypto);
  }
  for (std::size_t size = 0; size < wrapped.bytes.size(); ++size)
    refused({wrapped.root, Bytes(wrapped.bytes.begin(), wrapped.bytes.begin() + static_cast<std::ptrdiff_t>(size))},
            context, Errc::Crypto);
  refused({{"pkcs11:test", 9}, wrapped.bytes}, context, Errc::NotFound);
  refused({{"pkcs11:other", 1}, wrapped.bytes}, context, Errc::NotFound);
  CHECK(provider->unwrap(wrapped, context));  // the session has outlived every failure
}

TEST_CASE("a wrong PIN, token, module or option") {
  const Folder folder;
  Pkcs11Options options;
  if (!make_token(folder, options)) return;
  const auto error_of = [](const Pkcs11Options& chosen, std::string_view pin) {
    const auto provider = Pkcs11Provider::open(chosen, SecretBytes(pin), system_random());
    REQUIRE_FALSE(provider);
    CHECK(provider.error().detail.find(pin) == std::string::npos);
    return provider.error().code;
  };
  CHECK(error_of(options, "4321") == Errc::PermissionDenied);
  auto changed = options;
  changed.token_label = "another";
  CHECK(error_of(changed, "1234") == Errc::NotFound);
  changed = options;
  changed.module = folder.file("no-module.so");
  CHECK(error_of(changed, "1234") == Errc::NotFound);
  changed.module = "libsofthsm2.so";
  CHECK(error_of(changed, "1234") == Errc::InvalidArgument);
  changed = options;
  changed.key_label.clear();
  CHECK(error_of(changed, "1234") == Errc::InvalidArgument);
}

}  // namespace
}  // namespace bartizan::vault
