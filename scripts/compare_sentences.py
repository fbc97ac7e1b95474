#!/usr/bin/env python3
"""Compares the sentences of changed pairs in two or more lists: things, places, verbs, amounts, lengths, n-grams.

    scripts/check_levir_cc.py --data FOLDER --lists DIR                  # DIR/look.jsonl
    ccexpert-data synth --out DRAWN --pairs 2000 --train-share 0 --val-share 0 --test-share 1
    scripts/compare_sentences.py DIR/look.jsonl DRAWN/test.json          # a Markdown table; the first list is the measure

Only the standard library."""
import argparse
import collections
import math
import pathlib
import re
import sys

import levir_cc

NAMED = {
    "a road": r"roads?|streets?|paths?|crossroads?|tracks?|roadside",
    "trees or plants": r"trees?|woods?|woodland|forest|vegetation|plants?|bush(es)?",
    "bare or open ground": r"bareland|wasteland|desert|clearing|open space|land|grassland|grass|meadow|lawn",
    "parking": r"parking",
    "top, left, corner ...": r"top|bottom|left|right|upper|lower|lower-left|lower-right|corner|middle|cent(er|re)|edge",
    "the scene": r"scene|image|picture",
    "along, beside, near a road": r"(along|beside|near|by|around|next to|of) the road(s|side)?",
    "both sides": r"both sides",
    "houses built along": r"(built|villas|houses|buildings) (along|alongside|around)|alongside",
    "rows": r"(rows?|lines?) of",
    "and": r"and",
    "with": r"with",
    "built": r"built",
    "constructed": r"constructed",
    "appears": r"appears?|appeared",
    "shows up": r"shows? up",
    "removed, cut down": r"removed|cut down",
    "disappears": r"disappears?|disappeared",
    "replaced, replaces": r"replac(ed|es?|ing)",
    "becomes, turned into": r"becomes?|(turns?|turned|developed) into",
    "is, are + participle": r"(is|are) (built|constructed|removed|replaced)",
    "has, have been": r"(has|have) been",
    "a number": r"two|three|four|five|six",
    "some": r"some",
    "several": r"several",
    "many": r"many|massive|lots of",
}
PATTERNS = {name: re.compile(rf"\b(?:{words})\b") for name, words in NAMED.items()}


def read_changed(path):
    """Returns the sentences of each changed pair, without full stops."""
    changed = [[levir_cc.plain(each) for each in pair["change_caption"]] for pair in levir_cc.read_pairs(path)
               if pair["change_flag"]]
    if not any(changed):
        raise levir_cc.Wrong(f"{path}: expected sentences of changed pairs, got none")
    return changed


def ngrams(pairs, n):
    counts = collections.Counter()
    for sentence in (sentence for pair in pairs for sentence in pair):
        words = sentence.split()
        counts.update(tuple(words[i:i + n]) for i in range(len(words) - n + 1))
    return counts


def known(measure, other):
    """Returns the share of the measure's occurrences that the other has at all."""
    return sum(count for gram, count in measure.items() if gram in other) / max(sum(measure.values()), 1)


def divergence(one, other):
    """Returns the Jensen-Shannon divergence in bits: 0 for equal frequencies, 1 for no gram in common."""
    total, other_total, bits = sum(one.values()), sum(other.values()), 0
    for gram in one.keys() | other.keys():
        p, q = one[gram] / total, other[gram] / other_total
        bits += sum(0.5 * each * math.log2(2 * each / (p + q)) for each in (p, q) if each)
    return bits


def facts_of(pairs):
    """Returns the facts of one list by name; shares in per cent of sentences or pairs."""
    sentences = [sentence for pair in pairs for sentence in pair]
    lengths = [len(sentence.split()) for sentence in sentences]
    mean = sum(lengths) / len(lengths)
    facts = {"changed pairs": len(pairs), "words a sentence": mean,
             "deviation": math.sqrt(sum((each - mean) ** 2 for each in lengths) / len(lengths))}
    for name, pattern in PATTERNS.items():
        facts[name] = 100 * sum(bool(pattern.search(each)) for each in sentences) / len(sentences)
    majorities = collections.Counter("+".join(sorted(levir_cc.things_of(pair))) or "no majority" for pair in pairs)
    for things in ("buildings", "buildings+roads", "buildings+roads+trees", "buildings+trees", "roads", "trees",
                   "others"):
        facts[f"pairs: {things}"] = 100 * majorities[things] / len(pairs)
    return facts


def rows(paths):
    lists = [read_changed(path) for path in paths]
    facts = [facts_of(pairs) for pairs in lists]
    yield ["", *(pathlib.Path(path).stem for path in paths)]
    for name in facts[0]:
        yield [name, *(f"{each[name]:.1f}" if isinstance(each[name], float) else each[name] for each in facts)]
    for n in (1, 2, 3, 4):
        grams = [ngrams(pairs, n) for pairs in lists]
        yield [f"{n}-grams of the first that are known", *(f"{100 * known(grams[0], each):.0f}" for each in grams)]
        yield [f"{n}-grams, divergence from the first", *(f"{divergence(grams[0], each):.2f}" for each in grams)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="+", type=pathlib.Path, help="lists in the universal format, JSON or lines")
    try:
        print(levir_cc.markdown(rows(parser.parse_args().lists)))
    except levir_cc.Wrong as wrong:
        sys.exit(f"error: {wrong}")


if __name__ == "__main__":
    main()
