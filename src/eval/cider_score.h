// CIDEr and CIDEr-D of one caption, with given document frequencies.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/ngrams.h"

namespace ccexpert::eval {

enum class CiderKind { kPlain, kD };

/// Document frequencies: the number of documents (pairs) whose texts contain an n-gram.
class DocumentCounts {
 public:
  /// Adds a document; all ids are below `ids`.
  void add(const std::vector<NgramCounts>& texts, size_t ids);
  void clear();

  /// Returns log(documents / documents with the n-gram), where an unknown n-gram counts as one document.
  /// Without documents every n-gram has 1.
  double rarity(uint32_t id) const;

 private:
  size_t documents_ = 0;
  std::vector<uint32_t> counts_;  ///< by n-gram id
};

/// Returns the mean similarity to the references, times 10 (Vedantam et al., 2015; n up to 4, sigma 6).
double cider_score(CiderKind kind, const DocumentCounts& documents, const NgramCounts& prediction,
                   const std::vector<NgramCounts>& references);

}  // namespace ccexpert::eval
