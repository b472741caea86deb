#include "bartizan/vault/file_provider.hpp"

#include <sys/stat.h>

#include <atomic>
#include <thread>
#include <vector>

#include "vault_testing.hpp"

namespace bartizan::vault {
namespace {

using test::example_context;
using test::Folder;
using test::kCheap;

SecretBytes passphrase(std::string_view text = "correct horse") { return SecretBytes(text); }

std::unique_ptr<FileProvider> must(Result<std::unique_ptr<FileProvider>> made) {
  REQUIRE_MESSAGE(made, (made ? "" : made.error().detail));
  return std::move(*made);
}

TEST_CASE("the wrapped secret of docs/formats/keyring.md") {
  const auto example = test::read_examples();
  const Folder folder;
  const auto path = folder.file("roots");
  std::ofstream(path, std::ios::binary) << as_chars(example.at("root_file"));
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  const auto provider = must(FileProvider::open(path, "file:main", passphrase()));
  CHECK(*provider->active_root() == keys::RootRef{"file:main", 2});
  const auto wrapped = provider->wrap(SecretBytes(example.at("secret")), example_context());
  REQUIRE(wrapped);
  CHECK(hex_encode(wrapped->bytes) == hex_encode(example.at("wrapped")));
  const auto secret = provider->unwrap({{"file:main", 2}, example.at("wrapped")}, example_context());
  REQUIRE(secret);
  CHECK(hex_encode(secret->reveal()) == hex_encode(example.at("secret")));
}

TEST_CASE("a secret opens in its own context alone, and one error says nothing more") {
  const Folder folder;
  const auto provider =
      must(FileProvider::create(folder.file("roots"), "file:a", passphrase(), kCheap, system_random()));
  const auto context = example_context();
  const auto wrapped = provider->wrap(SecretBytes(std::string(32, 's')), context);
  REQUIRE(wrapped);
  REQUIRE(provider->unwrap(*wrapped, context));
  const auto refused = [&](const keys::WrappedSecret& bytes, const keys::WrapContext& under, Errc code) {
    const auto secret = provider->unwrap(bytes, under);
    REQUIRE_FALSE(secret);
    CHECK(secret.error().code == code);
  };
  auto other = context;
  other.id = keys::KeyId(6);
  refused(*wrapped, other, Errc::Crypto);
  other = context;
  other.purpose = keys::KeyPurpose::Index;
  refused(*wrapped, other, Errc::Crypto);
  other = context;
  other.owner = keys::KeyringOwner::of_tenant(*Uuid::parse("7e9a1c52-0000-4000-8000-00000000000b"));
  refused(*wrapped, other, Errc::Crypto);
  for (std::size_t bit = 0; bit < wrapped->bytes.size() * 8; ++bit) {
    auto changed = *wrapped;
    changed.bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    refused(changed, context, Errc::Crypto);
  }
  refused({{"file:a", 2}, wrapped->bytes}, context, Errc::NotFound);
  refused({{"file:b", 1}, wrapped->bytes}, context, Errc::NotFound);
}

TEST_CASE("rotation, destruction and a new passphrase outlive the process") {
  const Folder folder;
  const auto path = folder.file("roots");
  const auto context = example_context();
  keys::WrappedSecret under_1, under_2;
  {
    const auto provider = must(FileProvider::create(path, "file:a", passphrase(), kCheap, system_random()));
    under_1 = provider->wrap(SecretBytes(std::string(32, 's')), context).value();
    CHECK(provider->rotate(system_random()).value() == keys::RootRef{"file:a", 2});
    under_2 = provider->wrap(SecretBytes(std::string(32, 's')), context).value();
    CHECK(under_2.root.version == 2);
    CHECK(under_1.bytes != under_2.bytes);
  }
  {
    const auto provider = must(FileProvider::open(path, "file:a", passphrase()));
    CHECK(provider->unwrap(under_1, context));
    CHECK(provider->unwrap(under_2, context));
    CHECK(provider->destroy(2, system_random()).error().code == Errc::FailedPrecondition);
    CHECK(provider->destroy(9, system_random()).error().code == Errc::NotFound);
    REQUIRE(provider->destroy(1, system_random()));
    CHECK(provider->destroy(1, system_random()).error().code == Errc::NotFound);
    CHECK(provider->unwrap(under_1, context).error().code == Errc::NotFound);
    REQUIRE(provider->change_passphrase(passphrase("another one"), kCheap, system_random()));
  }
  CHECK(FileProvider::open(path, "file:a", passphrase()).error().code == Errc::PermissionDenied);
  const auto provider = must(FileProvider::open(path, "file:a", passphrase("another one")));
  CHECK(provider->unwrap(under_1, context).error().code == Errc::NotFound);
  CHECK(provider->unwrap(under_2, context));
  CHECK(provider->rotate(system_random()).value().version == 3);
  CHECK(folder.entries() == 1);  // nothing is left beside the file
}

TEST_CASE("files that are not to be trusted") {
  const Folder folder;
  const auto path = folder.file("roots");
  CHECK(FileProvider::open(path, "a", passphrase()).error().code == Errc::NotFound);
  REQUIRE(FileProvider::create(path, "a", passphrase(), kCheap, system_random()));
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(FileProvider::create(path, "a", passphrase(), kCheap, system_random()).error().code == Errc::AlreadyExists);
  CHECK(FileProvider::open(path, "a", passphrase()));
  CHECK(FileProvider::open(path, "a", passphrase("wrong")).error().code == Errc::PermissionDenied);
  CHECK(FileProvider::open(path, "a", passphrase("")).error().code == Errc::InvalidArgument);
  for (const mode_t mode : {0640U, 0604U, 0620U, 0666U}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK(FileProvider::open(path, "a", passphrase()).error().code == Errc::PermissionDenied);
  }
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  std::filesystem::create_symlink(path, folder.file("link"));
  CHECK_FALSE(FileProvider::open(folder.file("link"), "a", passphrase()));
  CHECK_FALSE(FileProvider::open(folder.file("."), "a", passphrase()));
  std::ofstream(path, std::ios::binary) << "bzrf";
  CHECK(FileProvider::open(path, "a", passphrase()).error().code == Errc::Malformed);
  std::ofstream(path, std::ios::binary) << std::string(1 << 20, 'x');
  CHECK(FileProvider::open(path, "a", passphrase()).error().code == Errc::TooLarge);
  CHECK_FALSE(FileProvider::create(folder.file("no/such/folder"), "a", passphrase(), kCheap, system_random()));
  CHECK(FileProvider::create(folder.file("b"), "a", passphrase(), {7, 1, 1}, system_random()).error().code ==
        Errc::InvalidArgument);
  CHECK(FileProvider::create(folder.file("b"), "a", passphrase(std::string(4097, 'x')), kCheap, system_random())
            .error()
            .code == Errc::InvalidArgument);
}

TEST_CASE("threads wrap and unwrap while a root is rotated") {
  const Folder folder;
  const auto provider = must(FileProvider::create(folder.file("roots"), "a", passphrase(), kCheap, system_random()));
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        const auto wrapped = provider->wrap(SecretBytes(std::string(32, 's')), example_context());
        if (!wrapped || !provider->unwrap(*wrapped, example_context())) ++failures;
      }
    });
  for (int n = 0; n < 10; ++n)
    if (!provider->rotate(system_random())) ++failures;
  for (auto& thread : threads) thread.join();
  CHECK(failures == 0);
}

}  // namespace
}  // namespace bartizan::vault
