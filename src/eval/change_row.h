// Reader of the fields of a prediction that say where the change is.
#pragma once

#include "eval/entry_fields.h"

namespace ccexpert::eval {

/// Returns the change of an entry; nothing without change_score. Throws Error for values out of range.
std::optional<ChangeRow> change_row(const JsonEntry& entry);

}  // namespace ccexpert::eval
