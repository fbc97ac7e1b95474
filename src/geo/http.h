// Texts from addresses, and texts sent to them, through GDAL's HTTP client.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::geo {

/// True for http:// and https://.
bool is_url(std::string_view address);

/// Returns the name by which GDAL reads a file at an address: /vsicurl/ for a URL, /vsis3/ for s3://, /vsigs/
/// for gs://; others stay.
std::string gdal_name(const std::string& address);

/// Returns the address of `reference`, which is absolute or starts at the folder of `base`.
std::string resolved(const std::string& base, const std::string& reference);

/// Returns the text at an address: a URL, or a file by any name that GDAL opens. Throws Error naming it.
std::string fetched_text(const std::string& address);

/// Text to send.
struct Post {
  std::string url;
  std::string body;   ///< JSON
  std::string key;    ///< of the header Idempotency-Key: equal for a text that is sent again
  std::string token;  ///< of the header Authorization, after "Bearer"; empty: none
};

/// Sends a text. Returns nothing if the server took it, else the reason.
std::string post(const Post& message);

}  // namespace ccexpert::geo
