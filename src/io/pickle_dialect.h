// What Python's pickles say that LibTorch's reader of them leaves out.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::io {

/// The pickle with every collections.OrderedDict made a plain dictionary, and one that attributes were set on
/// made a pair of the dictionary and the attributes: LibTorch's reader takes ordered dictionaries for
/// nothing, but `Module.state_dict()` is one. Throws Error beginning with `source` for a stream that cannot
/// be followed, and one for which LibTorch's reader would take memory without end.
std::string with_plain_dictionaries(std::string_view pickle, std::string_view source);

}  // namespace ccexpert::io
