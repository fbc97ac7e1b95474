#include "core/text_file.h"

#include <cerrno>
#include <cstring>
#include <streambuf>
#include <vector>

#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/regular_file.h"
#include "core/text_decoder.h"

namespace ccexpert {

std::string decoded_text(std::string_view bytes, const std::string& source) {
  return TextDecoder(source).decode(bytes, true);
}

std::string read_text_file(const std::filesystem::path& path, size_t limit) {
  return decoded_text(read_file(path, limit), path.string());
}

class TextStream::Buffer : public std::streambuf {
 public:
  explicit Buffer(const std::filesystem::path& path)
      : path_(path), file_(path), decoder_(path.string()), piece_(size_t{1} << 18) {}

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
    ssize_t got = 0;
    do {
      got = ::read(file_.descriptor(), piece_.data(), piece_.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) ccexpert::fail(path_.string(), "cannot be read", std::strerror(errno));
    at_end_ = got == 0;
    return {piece_.data(), static_cast<size_t>(got)};
  }

  std::filesystem::path path_;
  RegularFile file_;
  TextDecoder decoder_;
  std::vector<char> piece_;
  std::string text_;
  bool at_end_ = false;
};

TextStream::TextStream(const std::filesystem::path& path)
    : std::istream(nullptr), buffer_(std::make_unique<Buffer>(path)) {
  rdbuf(buffer_.get());
  // Errors of the buffer come out as they are, and not as a bad stream.
  exceptions(std::ios::badbit);
}

TextStream::~TextStream() = default;

}  // namespace ccexpert
