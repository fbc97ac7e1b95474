#include "core/file_kind.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <ccexpert/core/error.h>

namespace ccexpert {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view bytes;
  FileKind kind;
};

constexpr std::string_view kUnpack = "unpack it first";
constexpr std::string_view kDownload = "the download went wrong: fetch the file itself";
constexpr std::string_view kAsUtf8 = "save it as UTF-8";

// A longer signature comes before its own prefix.
constexpr std::array kSignatures{
    Signature{"version https://git-lfs"sv, {"a Git LFS pointer", "fetch the file itself: git lfs pull"}},
    Signature{"version https://hawser"sv, {"a Git LFS pointer", "fetch the file itself: git lfs pull"}},
    Signature{"/annex/objects/"sv, {"a git-annex pointer", "fetch the file itself: git annex get"}},
    Signature{"\xff\xfe\0\0"sv, {"UTF-32 text", kAsUtf8}},
    Signature{"\0\0\xfe\xff"sv, {"UTF-32 text", kAsUtf8}},
    Signature{"\xff\xfe"sv, {"UTF-16 text", kAsUtf8}},
    Signature{"\xfe\xff"sv, {"UTF-16 text", kAsUtf8}},
    Signature{"\x1f\x8b"sv, {"a gzip file", kUnpack}},
    Signature{"\xfd\x37zXZ\0"sv, {"an xz file", kUnpack}},
    Signature{"\x28\xb5\x2f\xfd"sv, {"a Zstandard file", kUnpack}},
    Signature{"BZh"sv, {"a bzip2 file", kUnpack}},
    Signature{"7z\xbc\xaf\x27\x1c"sv, {"a 7-Zip archive", kUnpack}},
    Signature{"Rar!\x1a\x07"sv, {"a RAR archive", kUnpack}},
    Signature{"PK\x03\x04"sv, {"a zip archive"}},
    Signature{"GGUF"sv, {"a GGUF file of llama.cpp", "take the model's safetensors files"}},
    Signature{"\x89HDF\r\n\x1a\n"sv, {"an HDF5 file", "take the model's safetensors files"}},
    Signature{"\x93NUMPY"sv, {"a NumPy array"}},
    Signature{"\x89PNG\r\n\x1a\n"sv, {"a PNG image"}},
    Signature{"\xff\xd8\xff"sv, {"a JPEG image"}},
    Signature{"%PDF-"sv, {"a PDF document"}},
    Signature{"\x7f"
              "ELF"sv,
              {"a program"}},
    Signature{"Entry not found"sv, {"a hub's error message", kDownload}},
    Signature{"Invalid username or password"sv, {"a hub's error message", kDownload}},
    Signature{"Access to model"sv, {"a hub's error message", kDownload}}};

/// True if `text` begins with `start` (lower case), ignoring case.
bool starts_in_any_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(),
                    [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
}

bool is_html(std::string_view head) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (head.starts_with(kMark)) head.remove_prefix(kMark.size());
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  return starts_in_any_case(head, "<!doctype html") || starts_in_any_case(head, "<html");
}

/// True for text in 16-bit characters without a byte order mark: each second byte of its ASCII part is zero.
bool is_unmarked_utf16(std::string_view head) {
  if (head.size() < 8) return false;
  for (size_t i = 0; i < 8; i += 2) {
    const auto byte = static_cast<unsigned char>(head[i]);
    const bool ascii = std::isprint(byte) || std::isspace(byte);
    if (!ascii || head[i + 1] != '\0') return false;
  }
  return true;
}

bool is_tar(std::string_view head) {
  return head.size() >= 262 && head.substr(257, 5) == "ustar";
}

}  // namespace

std::optional<FileKind> file_kind(std::string_view head) {
  if (head.empty()) return FileKind{"an empty file", "it was not written or not fetched to its end"};
  for (const auto& signature : kSignatures) {
    if (head.starts_with(signature.bytes)) return signature.kind;
  }
  if (is_html(head)) return FileKind{"an HTML page", kDownload};
  if (is_tar(head)) return FileKind{"a tar archive", kUnpack};
  if (is_unmarked_utf16(head)) return FileKind{"UTF-16 text", kAsUtf8};
  const bool zeros = std::all_of(head.begin(), head.end(), [](char byte) { return byte == '\0'; });
  if (zeros && head.size() >= 16)
    return FileKind{"a file that begins with zero bytes", "it was not written or not fetched to its end"};
  return std::nullopt;
}

void refuse_other_kind(std::string_view head, std::string_view source, std::string_view expected) {
  if (const auto kind = file_kind(head.substr(0, kFileHeadBytes)))
    fail_expected({source, expected, kind->name, kind->hint});
}

}  // namespace ccexpert
