/// Metrics without tables. METEOR is in meteor.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ccexpert/eval/metric.h>

namespace ccexpert::eval {

/// BLEU-1 to BLEU-4 (Papineni et al., 2002) of a corpus, with the closest reference length.
std::unique_ptr<Metric> make_bleu();

/// ROUGE-L (Lin, 2004): the mean over pairs of the F-measure (beta 1.2) of the best precision and the best
/// recall of a longest common subsequence. Single spaces separate words: a space at the start, at the end or
/// next to another space makes an empty word, as in the reference.
std::unique_ptr<Metric> make_rouge_l();

/// CIDEr-D (Vedantam et al., 2015; n up to 4, sigma 6, times 10). Document frequencies come from the added
/// references, so a subset scores differently.
std::unique_ptr<Metric> make_cider_d();

/// CIDEr without the clipping and the length penalty of CIDEr-D.
std::unique_ptr<Metric> make_cider();

/// Share of pairs classified correctly as changed or unchanged, among those whose `changed` is known. A
/// prediction means "unchanged" if it is one of `unchanged_sentences` (tokenized), regardless of spaces.
std::unique_ptr<Metric> make_change_accuracy(const std::vector<std::string>& unchanged_sentences);

/// Returns LEVIR-CC's five sentences for unchanged pairs, as written in the data set.
const std::vector<std::string>& levir_cc_unchanged_sentences();

}  // namespace ccexpert::eval
