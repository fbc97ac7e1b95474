// Comparison of a model's weights with those of files, without loading.
#pragma once

#include <ccexpert/model/weights.h>

namespace ccexpert::model {

/// Throws one Error for all differences of names and shapes between a contract and a source, or Error for a
/// dtype.
void expect_fit(const WeightContract& contract, const io::TensorSource& source,
                const LoadWeightsOptions& options = {});

}  // namespace ccexpert::model
