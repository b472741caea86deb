#include "bundle_codec.hpp"

#include <zstd.h>

#include <memory>

namespace bartizan::auditlog {
namespace {

/// Level 6 takes a sixth less space and nine times the processor time; level 1 wins neither.
constexpr int kLevel = 3;

struct Free {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

ZSTD_DCtx* decompressing() {
  thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  return context.get();
}

}  // namespace

std::string compressed_path(std::uint64_t bundle) { return audit::to_path({std::nullopt, bundle}) + ".zst"; }

Result<Bytes> compress_bundle(ByteView bundle) {
  const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  if (!context) return fail(Errc::ResourceExhausted, "no memory to compress a bundle of records");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  Bytes frame(ZSTD_compressBound(bundle.size()));
  const std::size_t bytes = ZSTD_compress2(context.get(), frame.data(), frame.size(), bundle.data(), bundle.size());
  if (ZSTD_isError(bytes) != 0) return fail(Errc::Internal, "a bundle of records can't be compressed");
  frame.resize(bytes);
  return frame;
}

Result<Bytes> decompress_bundle(ByteView frame, std::size_t max_bytes) {
  const auto damaged = [] { return fail(Errc::Malformed, "a compressed bundle of records is damaged"); };
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) return damaged();
  const unsigned long long content = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (content == ZSTD_CONTENTSIZE_UNKNOWN || content == ZSTD_CONTENTSIZE_ERROR || content > max_bytes) return damaged();
  Bytes bundle(content);
  ZSTD_DCtx* const context = decompressing();
  if (context == nullptr) return fail(Errc::ResourceExhausted, "no memory to read a compressed bundle of records");
  if (ZSTD_decompressDCtx(context, bundle.data(), bundle.size(), frame.data(), frame.size()) != content)
    return damaged();
  return bundle;
}

}  // namespace bartizan::auditlog
