"""The parts of check_levir_cc.py without programs or images: tiles and their split, things of sentences, tables.

Only the standard library. tests/scripts/levir_cc_test.py tests them."""
import hashlib
import json
import re

CROPS = 16  # LEVIR-CC numbers the 4 x 4 crops of a tile of LEVIR-CD one after the other, from 1
UNCHANGED = {
    "there is no difference",
    "the two scenes seem identical",
    "the scene is the same as before",
    "no change has occurred",
    "almost nothing has changed",
}
THINGS = {
    "buildings": "apartment apartments building buildings bungalow bungalows cabin cabins constructions depot depots "
                 "factories factory garage garages greenhouse greenhouses home homes house houses hut huts mall malls "
                 "mansion mansions residence residences residential room rooms shed sheds structure structures villa "
                 "villas warehouse warehouses",
    "roads": "bypass bypasses crossroad crossroads driveway driveways highway highways intersection intersections lane "
             "lanes path paths road roads roundabout roundabouts street streets track tracks trail trails",
    "trees": "bush bushes forest forests grass grasses grassland jungle lawn lawns meadow meadows plant plants shrub "
             "shrubs tree trees vegetation wood woodland woods",
    "water": "canal canals creek lake lakes pond ponds pool pools puddle puddles reservoir river rivers stream water",
}
OTHERS = "others"  # a change of which none of these is named
THING_OF = {word: thing for thing, words in THINGS.items() for word in words.split()}
# A noun after one of these is the place of a change: "a house is built beside the road".
PLACE = set("above across along alongside among around at behind below beside besides between by in inside near on "
            "through under".split())
PLACE_BEFORE_TO = set("access adjacent close connected leading linked next path paths".split())  # "next to the road"
AGENT = set("replaced occupied covered substituted".split())  # "replaced by a road"
# A place ends with one of these.
STOP = set("and with while which where or but is are was were be been has have had appear appears appeared appearing "
           "show shows showed disappear disappears disappeared built build constructed removed replace replaces "
           "replaced replacing become becomes became turn turns turned developed erected emerge emerges run runs".split())


class Wrong(ValueError):
    """A list that is not as expected, with the sentence that says so."""


def read_pairs(file):
    """Returns the pairs of a list in the universal format, JSON or JSON Lines."""
    if not file.is_file():
        raise Wrong(f"{file}: expected a list of pairs in the universal format, got no file")
    text = file.read_text(encoding="utf-8")
    if text.lstrip().startswith("["):
        return parsed(text, file, 1)
    return [parsed(line, file, number) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def parsed(text, file, first):
    """Returns the value of JSON that begins at line `first` of a file."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first + error.lineno - 1
        raise Wrong(f"{file}: expected JSON or JSON Lines, got an error at line {line} ({error.msg})") from None


def path_keys(pair):
    """Returns the keys of a pair that name a file."""
    return [key for key, value in pair.items() if (key.endswith("_path") or key in ("before", "after")) and value]


def with_paths(pair, root):
    """Returns a pair whose files have paths from a list in the folder `root`."""
    return {**pair, **{key: str(root / pair[key]) for key in path_keys(pair)}}


def tile_of(uid):
    """Returns the tile of LEVIR-CD that a pair of LEVIR-CC was cut from: val_17 for val_000280."""
    found = re.fullmatch(r"(?:.*/)?([A-Za-z]+)_(\d+)(?:\.\w+)?", uid)
    if not found or int(found[2]) < 1:
        raise Wrong(f"uid: expected a name of LEVIR-CC as val_000001, got \"{uid}\"")
    return f"{found[1]}_{(int(found[2]) - 1) // CROPS}"


def tile_number(uid):
    return int(hashlib.sha256(tile_of(uid).encode()).hexdigest(), 16)


def part_of(uid):
    """Returns keep for a third of the tiles, look for the others, by a hash of the tile's name."""
    return "keep" if tile_number(uid) % 3 == 0 else "look"


def trains(uid):
    """True for three quarters of the tiles of look: the others choose the checkpoint."""
    return tile_number(uid) // 3 % 4 != 2


def plain(sentence):
    return sentence.strip().lower().rstrip(" .")


def says_unchanged(sentence):
    return plain(sentence) in UNCHANGED


def things_in(sentence):
    """Returns the things whose change a sentence names, without those that only tell the place of it."""
    if says_unchanged(sentence):
        return set()
    things, place, previous = set(), False, ""
    for word in re.findall(r"[a-z]+", sentence.lower()):
        if word in STOP:
            place = False
        elif (word in PLACE and previous not in AGENT) or (word == "to" and previous in PLACE_BEFORE_TO):
            place = True
        elif word in THING_OF and not place:
            things.add(THING_OF[word])
        previous = word
    return things or {OTHERS}


def things_of(references):
    """Returns the things that more than half of a pair's sentences name."""
    named = [things_in(sentence) for sentence in references]
    return {thing for thing in (*THINGS, OTHERS) if 2 * sum(thing in each for each in named) > len(named)}


def confusion(pairs, captions):
    """Returns the rows of a Markdown table: the things of the references against those of the captions."""
    things = [*THINGS, OTHERS]
    rows = {thing: [] for thing in (*things, "no majority", "unchanged")}
    for pair in pairs:
        agreed = things_of(pair["change_caption"]) or {"no majority"}
        for row in agreed if pair["change_flag"] else {"unchanged"}:
            rows[row].append(things_in(captions[pair["uid"]]))
    yield ["references name", "pairs", *things, "no change", "found"]
    for row, named in rows.items():
        if row == "no majority" and not named:
            continue
        counts = [sum(thing in each for each in named) for thing in things]
        none = sum(not each for each in named)
        hits = counts[things.index(row)] if row in things else none if row == "unchanged" else None
        yield [row, len(named), *counts, none, percent(hits, len(named))]
    agreed = [(things_of(pair["change_caption"]) if pair["change_flag"] else set(), things_in(captions[pair["uid"]]))
              for pair in pairs]
    said = [[thing in truth for truth, caption in agreed if thing in caption] for thing in things]
    silent = [pair for pair in pairs if says_unchanged(captions[pair["uid"]])]
    right = sum(not pair["change_flag"] for pair in silent)
    yield ["right, of the captions that name it", "", *(percent(sum(each), len(each)) for each in said),
           percent(right, len(silent)), ""]


def percent(count, total):
    return "–" if count is None or not total else f"{100 * count / total:.1f} %"


def thirds(values):
    """Returns the two limits that divide the values into thirds."""
    ordered = sorted(values)
    return ordered[len(ordered) // 3], ordered[2 * len(ordered) // 3]


def groups(pairs, gaps, limits):
    """Yields a name and its pairs: all, each quality that occurs, each third of the illumination gap."""
    yield "all", pairs
    for quality in sorted({pair["quality"] for pair in pairs if "quality" in pair}, reverse=True):
        yield quality, [pair for pair in pairs if pair.get("quality") == quality]
    low, high = limits
    for name, inside in ((f"gap below {low:.0f}", lambda gap: gap < low),
                         (f"gap {low:.0f} to {high:.0f}", lambda gap: low <= gap < high),
                         (f"gap from {high:.0f}", lambda gap: gap >= high)):
        yield name, [pair for pair in pairs if inside(gaps[pair["uid"]])]


SCORES = ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "S*m", "change accuracy"]


def score_cell(score):
    """Returns a value times 100 and half of the width of its interval."""
    return f"{100 * score['value']:.1f} ±{50 * (score['high'] - score['low']):.1f}"


def score_rows(name, subsets):
    """Yields the rows of a group: all its pairs, the changed and the unchanged ones."""
    for subset in ("all", "changed", "unchanged"):
        part = subsets.get(subset)
        if part and part["pairs"]:
            label = name if subset == "all" else subset if name == "all" else f"{name}, {subset}"
            yield [label, part["pairs"], *(score_cell(part["scores"][score]) for score in SCORES)]


def markdown(rows):
    """Returns a Markdown table whose first row is the head and whose first column is text."""
    head, *body = [[str(cell) for cell in row] for row in rows]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
