// Model of the first of several parts.
#pragma once

#include <memory>

#include <ccexpert/model/ccexpert_model.h>

#include "generate/opened_model.h"
#include "generate/shared/decoder_parts.h"

namespace ccexpert::generate {

/// Builds the model of the first part, whose decoder tells the others of its passes.
std::shared_ptr<model::CcexpertModel> build_leading_model(const OpenedModel& opened, const PartLink& link);

}  // namespace ccexpert::generate
