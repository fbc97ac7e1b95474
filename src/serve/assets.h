// Files of assets/, embedded by the build (cmake/embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace ccexpert::serve {

struct Asset {
  std::string_view name, text;
};

std::span<const Asset> assets();

}  // namespace ccexpert::serve
