#include "geo/http.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <utility>

#include <cpl_http.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "geo/gdal_use.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestText = size_t{64} << 20;
constexpr const char* kConnectSeconds = "10";
constexpr const char* kSeconds = "60";

struct Closer {
  void operator()(CPLHTTPResult* result) const { CPLHTTPDestroyResult(result); }
  void operator()(VSILFILE* file) const { VSIFCloseL(file); }
};
using Answer = std::unique_ptr<CPLHTTPResult, Closer>;

Answer request(const std::string& url, CPLStringList options) {
  const QuietGdal quiet;
  options.SetNameValue("CONNECTTIMEOUT", kConnectSeconds);
  options.SetNameValue("TIMEOUT", kSeconds);
  return Answer(CPLHTTPFetch(url.c_str(), options.List()));
}

/// Returns why an answer is none; nothing for a success.
std::string refusal_of(const CPLHTTPResult* answer) {
  if (answer == nullptr) return "GDAL cannot send requests";
  if (answer->pszErrBuf != nullptr) return answer->pszErrBuf;
  return answer->nStatus == 0 ? "" : fmt::format("error {} of libcurl", answer->nStatus);
}

std::string url_text(const std::string& url) {
  const auto answer = request(url, {});
  if (const auto refusal = refusal_of(answer.get()); !refusal.empty()) fail(url, "cannot be read", refusal);
  const auto size = static_cast<size_t>(answer->nDataLen);
  return {reinterpret_cast<const char*>(answer->pabyData), size};
}

std::string gdal_text(const std::string& name) {
  const QuietGdal quiet;
  CPLErrorReset();
  // A catalogue grows while it is watched.
  VSICurlPartialClearCache(name.c_str());
  const std::unique_ptr<VSILFILE, Closer> file(VSIFOpenL(name.c_str(), "rb"));
  if (!file) fail_gdal(name, "cannot be read");
  std::string text;
  std::array<char, 1 << 16> buffer;
  for (size_t read = buffer.size(); read == buffer.size() && text.size() <= kLongestText;) {
    read = VSIFReadL(buffer.data(), 1, buffer.size(), file.get());
    text.append(buffer.data(), read);
  }
  if (text.size() > kLongestText) fail(name, "is too long");
  return text;
}

/// Returns the length of "scheme://host" of an address; 0 for a path.
size_t root_length(std::string_view address) {
  const auto scheme = address.find("://");
  if (scheme == std::string_view::npos) return 0;
  return std::min(address.find('/', scheme + 3), address.size());
}

}  // namespace

bool is_url(std::string_view address) {
  return address.starts_with("http://") || address.starts_with("https://");
}

std::string gdal_name(const std::string& address) {
  if (is_url(address)) return "/vsicurl/" + address;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kStores{
      {{"s3://", "/vsis3/"}, {"gs://", "/vsigs/"}, {"file://", ""}}};
  for (const auto& [scheme, name] : kStores) {
    if (address.starts_with(scheme)) return std::string(name) + address.substr(scheme.size());
  }
  return address;
}

std::string resolved(const std::string& base, const std::string& reference) {
  if (root_length(reference) > 0) return reference;
  const size_t root = root_length(base);
  const bool is_absolute = reference.starts_with('/');
  if (root == 0 && is_absolute) return reference;
  // In the name of a file, "?" and "#" are letters like others.
  const size_t end = root == 0 ? base.size() : std::min(base.find_first_of("?#", root), base.size());
  const auto path = base.substr(root, end - root);
  const auto folder = is_absolute ? fs::path("/") : fs::path(path).parent_path();
  return base.substr(0, root) + (folder / reference).lexically_normal().string();
}

std::string fetched_text(const std::string& address) {
  if (is_url(address)) return url_text(address);
  const auto name = gdal_name(address);
  return name.starts_with("/vsi") ? gdal_text(name) : read_file(name, kLongestText);
}

std::string post(const Post& message) {
  CPLStringList options;
  auto headers = "Content-Type: application/json\r\nIdempotency-Key: " + message.key;
  if (!message.token.empty()) headers += "\r\nAuthorization: Bearer " + message.token;
  options.SetNameValue("HEADERS", headers.c_str());
  options.SetNameValue("POSTFIELDS", message.body.c_str());
  return refusal_of(request(message.url, std::move(options)).get());
}

}  // namespace ccexpert::geo
