#include "core/text_file.h"

#include <cerrno>
#include <span>
#include <streambuf>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/regular_file.h"
#include "core/text_decoder.h"

namespace ccexpert {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 18;

}  // namespace

std::string decoded_text(std::string_view bytes, const std::string& source) {
  return TextDecoder(source).decode(bytes, true);
}

namespace {

/// Reads once into `buffer`; returns the number of bytes, 0 at the end.
size_t read_some(const RegularFile& file, std::span<char> buffer, const std::string& source) {
  ssize_t got = 0;
  do {
    got = ::read(file.descriptor(), buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) fail_system(source, "cannot be read", errno);
  return static_cast<size_t>(got);
}

std::string read_pipe(const RegularFile& file, const std::string& source, size_t limit) {
  std::vector<char> piece(kPieceBytes);
  std::string bytes;
  for (size_t got = read_some(file, piece, source); got > 0; got = read_some(file, piece, source)) {
    if (bytes.size() + got > limit) fail_expected({source, fmt::format("at most {} bytes", limit), "more"});
    bytes.append(piece.data(), got);
  }
  return bytes;
}

}  // namespace

std::string read_text_file(const std::filesystem::path& path, size_t limit) {
  const RegularFile file(path, Pipes::kOpen);
  return decoded_text(file.is_pipe() ? read_pipe(file, path.string(), limit) : read_file(path, limit),
                      path.string());
}

namespace {

/// True for names of open files, such as /dev/stdin and /dev/fd/63. A shell may connect them to a regular
/// file.
bool is_descriptor_name(const std::filesystem::path& path) {
  const auto folder = path.lexically_normal().parent_path();
  const auto in_proc = folder.lexically_relative("/proc");
  return folder == "/dev" || folder == "/dev/fd" || (folder.filename() == "fd" && *in_proc.begin() != "..");
}

}  // namespace

std::filesystem::path folder_of_list(const std::filesystem::path& list) {
  std::error_code code;
  const auto status = std::filesystem::status(list, code);
  const bool is_stream = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  return is_stream || is_descriptor_name(list) ? std::filesystem::path() : list.parent_path();
}

class TextStream::Buffer : public std::streambuf {
 public:
  explicit Buffer(const std::filesystem::path& path)
      : source_(path.string()), file_(path, Pipes::kOpen), decoder_(source_), piece_(kPieceBytes) {}

 protected:
  int_type underflow() override {
    while (gptr() == egptr() && !at_end_) {
      const auto piece = next_piece();
      text_ = decoder_.decode(piece, at_end_);
      setg(text_.data(), text_.data(), text_.data() + text_.size());
    }
    return gptr() == egptr() ? traits_type::eof() : traits_type::to_int_type(*gptr());
  }

 private:
  std::string_view next_piece() {
    const size_t got = read_some(file_, piece_, source_);
    at_end_ = got == 0;
    return {piece_.data(), got};
  }

  std::string source_;
  RegularFile file_;
  TextDecoder decoder_;
  std::vector<char> piece_;
  std::string text_;
  bool at_end_ = false;
};

TextStream::TextStream(const std::filesystem::path& path)
    : std::istream(nullptr), buffer_(std::make_unique<Buffer>(path)) {
  rdbuf(buffer_.get());
  // Makes the stream rethrow the buffer's Errors instead of setting a bad state.
  exceptions(std::ios::badbit);
}

TextStream::~TextStream() = default;

}  // namespace ccexpert
