#include "whole_file.hpp"

namespace bartizan::auditlog {

Result<Bytes> read_whole(FileLayer& files, const std::string& path, std::uint64_t max_bytes) {
  BZ_TRY(auto file, files.open(path, OpenMode::Read));
  BZ_TRY(const std::uint64_t size, file->size());
  if (size > max_bytes) return fail(Errc::TooLarge, path + " is larger than such a file can be");
  Bytes bytes(size);
  BZ_TRY(const std::size_t read, file->read_at(0, bytes));
  bytes.resize(read);
  return bytes;
}

Result<void> write_whole(FileLayer& files, const std::string& path, ByteView bytes) {
  BZ_TRY(auto file, files.open(path, OpenMode::Replace));
  BZ_CHECK(file->write_at(0, bytes));
  return file->sync();
}

Result<void> replace_whole(FileLayer& files, const std::string& directory, const std::string& name, ByteView bytes) {
  const std::string path = directory + "/" + name;
  BZ_CHECK(write_whole(files, path + ".new", bytes));
  BZ_CHECK(files.rename(path + ".new", path));
  return files.sync_directory(directory);
}

}  // namespace bartizan::auditlog
