/// The metrics that need no tables. METEOR is in meteor.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ccexpert/eval/metric.h>

namespace ccexpert::eval {

/// BLEU-1 to BLEU-4 (Papineni et al., 2002) of a corpus, against the reference length that is closest.
std::unique_ptr<Metric> make_bleu();

/// ROUGE-L (Lin, 2004): the mean over pairs of the F-measure (beta 1.2) of the best precision and the best
/// recall of a longest common subsequence. Words are apart by single blanks: a blank at the start, at the end
/// or beside another blank makes an empty word, as in the reference.
std::unique_ptr<Metric> make_rouge_l();

/// CIDEr-D (Vedantam et al., 2015; n up to 4, sigma 6, times 10). Document frequencies are those of the
/// references that were added, so a subset scores differently.
std::unique_ptr<Metric> make_cider_d();

/// CIDEr without the clipping and the length penalty of CIDEr-D.
std::unique_ptr<Metric> make_cider();

/// The share of pairs that are rightly called changed or unchanged, of those whose `changed` is known. A
/// prediction says "unchanged" where it is one of `unchanged_sentences` (tokenized), whatever its blanks.
std::unique_ptr<Metric> make_change_accuracy(const std::vector<std::string>& unchanged_sentences);

/// The five sentences that LEVIR-CC has for unchanged pairs, as the data set writes them.
const std::vector<std::string>& levir_cc_unchanged_sentences();

}  // namespace ccexpert::eval
