#!/usr/bin/env python3
"""Tests of scripts/levir_cc.py, mirror_pairs.py, change_vocabulary.py and of check_levir_cc.py without
images: levir_cc_test.py SOURCE."""
import array
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else __file__ + "/../../..").resolve()
sys.path.insert(0, str(SOURCE / "scripts"))
import change_vocabulary
import check_levir_cc
import compare_sentences
import levir_cc
import mirror_pairs


def pair(uid, changed, *sentences):
    return {"uid": uid, "change_flag": int(changed), "change_caption": list(sentences)}


class Split(unittest.TestCase):
    def test_a_tile_has_sixteen_crops(self):
        self.assertEqual(levir_cc.tile_of("val_000001"), "val_0")
        self.assertEqual(levir_cc.tile_of("val_000016"), "val_0")
        self.assertEqual(levir_cc.tile_of("val/val_000017.png"), "val_1")

    def test_another_name_is_an_error(self):
        for uid in ("val", "val_000000", "17"):
            with self.assertRaisesRegex(levir_cc.Wrong, "expected a name of LEVIR-CC as val_000001"):
                levir_cc.tile_of(uid)

    def test_parts_divide_tiles_and_stay_as_published(self):
        uids = [f"val_{number:06d}" for number in range(1, 1025)]
        parts = {}
        for uid in uids:
            parts.setdefault(levir_cc.tile_of(uid), set()).add((levir_cc.part_of(uid), levir_cc.trains(uid)))
        self.assertTrue(all(len(part) == 1 for part in parts.values()))
        keep = [tile for tile, part in parts.items() if ("keep" in next(iter(part)))]
        self.assertEqual(len(keep), 21)
        self.assertEqual(keep[:5], ["val_2", "val_3", "val_8", "val_14", "val_17"])
        choose = [tile for tile, part in parts.items() if part == {("look", False)}]
        self.assertEqual(len(choose), 10)


class Lists(unittest.TestCase):
    def test_lists_are_json_or_lines(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "list.jsonl")
            with self.assertRaisesRegex(levir_cc.Wrong, "expected a list of pairs in the universal format, got no file"):
                levir_cc.read_pairs(file)
            for text in ('[{"uid": "a"}, {"uid": "b"}]', '{"uid": "a"}\n\n{"uid": "b"}\n'):
                file.write_text(text, encoding="utf-8")
                self.assertEqual(levir_cc.read_pairs(file), [{"uid": "a"}, {"uid": "b"}])
            file.write_text("{", encoding="utf-8")
            with self.assertRaisesRegex(levir_cc.Wrong, "expected JSON or JSON Lines, got an error at line 1"):
                levir_cc.read_pairs(file)

    def test_an_error_names_the_line_of_the_list(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "list.jsonl")
            for text in ('{"uid": "a"}\n\n{"uid": }\n', '[{"uid": "a"},\n\n{"uid": }]'):
                file.write_text(text, encoding="utf-8")
                with self.assertRaisesRegex(levir_cc.Wrong, "got an error at line 3"):
                    levir_cc.read_pairs(file)

    def test_every_file_of_a_pair_gets_the_folder_of_the_list(self):
        entry = {"uid": "a", "before": "b.png", "classes1_path": "c.png", "mask_path": "", "img1_path": "/d.png"}
        self.assertEqual(levir_cc.with_paths(entry, pathlib.Path("/list")),
                         {"uid": "a", "before": "/list/b.png", "classes1_path": "/list/c.png", "mask_path": "",
                          "img1_path": "/d.png"})

    def test_a_list_without_changed_pairs_cannot_be_compared(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "list.json")
            file.write_text(json.dumps([pair("val_000001", False, "no change has occurred")]), encoding="utf-8")
            with self.assertRaisesRegex(levir_cc.Wrong, "expected sentences of changed pairs, got none"):
                compare_sentences.read_changed(file)

    def test_a_mirrored_list_is_there_only_if_it_is_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "list.jsonl")
            file.write_text(json.dumps({**pair("a", True, "left"), "img1_path": "none.png", "img2_path": "b"}) + "\n",
                            encoding="utf-8")
            out = pathlib.Path(folder, "out")
            done = subprocess.run([sys.executable, SOURCE / "scripts/mirror_pairs.py", file, "--out", out],
                                  stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            # The package may be missing where the test runs.
            self.assertRegex(done.stderr, r"\Aerror: .*: expected (an image|the Python package), got .*\n\Z")
            self.assertFalse((out / "list.jsonl").exists())

    def test_uncertain_images_are_counted(self):
        pairs = [pair("val_000001", False, "no change has occurred")]
        self.assertEqual(check_levir_cc.counts(pairs), "1 pairs of 1 tiles: 0 changed, 1 unchanged")
        pairs[0]["id_certainty"] = "may be permuted"
        self.assertTrue(check_levir_cc.counts(pairs).endswith(", 1 of them perhaps with images of another"))


class Things(unittest.TestCase):
    def test_places_are_not_things(self):
        for sentence, things in (
            ("some houses are built along the road .", {"buildings"}),
            ("a cabin is built by the roadside", {"buildings"}),
            ("the vegetation in the forest is removed", {"trees"}),
            ("a row of houses appears next to the lake", {"buildings"}),
            ("trees are replaced by a road with two houses beside the pond", {"trees", "roads", "buildings"}),
            ("huts appear on both sides of the road and trees are removed", {"buildings", "trees"}),
            ("a house with a path to the road is built in the woods", {"buildings", "roads"}),
            ("the bareland is replaced by a pool", {"water"}),
            ("two parking lots are built", {"others"}),
            ("There is no difference .", set()),
        ):
            with self.subTest(sentence):
                self.assertEqual(levir_cc.things_in(sentence), things)

    def test_more_than_half_of_the_sentences_decide(self):
        sentences = ["a house is built"] * 3 + ["a road is built"] * 2
        self.assertEqual(levir_cc.things_of(sentences), {"buildings"})
        self.assertEqual(levir_cc.things_of(sentences[1:]), set())

    def test_confusion_counts_pairs_in_the_row_of_each_thing(self):
        pairs = [pair("val_000001", True, "a house is built", "houses and a road appear", "a road and a villa appear"),
                 pair("val_000002", True, "a pond is dug"),
                 pair("val_000003", False, "no change has occurred"),
                 pair("val_000004", False, "no change has occurred")]
        captions = {"val_000001": "a road is built .", "val_000002": "there is no difference .",
                    "val_000003": "there is no difference .", "val_000004": "a house is built ."}
        table = list(levir_cc.confusion(pairs, captions))
        self.assertEqual(table, [
            ["references name", "pairs", "buildings", "roads", "trees", "water", "others", "no change", "found"],
            ["buildings", 1, 0, 1, 0, 0, 0, 0, "0.0 %"],
            ["roads", 1, 0, 1, 0, 0, 0, 0, "100.0 %"],
            ["trees", 0, 0, 0, 0, 0, 0, 0, "–"],
            ["water", 1, 0, 0, 0, 0, 0, 1, "0.0 %"],
            ["others", 0, 0, 0, 0, 0, 0, 0, "–"],
            ["unchanged", 2, 1, 0, 0, 0, 0, 1, "50.0 %"],
            ["right, of the captions that name it", "", "0.0 %", "100.0 %", "–", "–", "–", "50.0 %", ""],
        ])


class Tables(unittest.TestCase):
    def test_groups_by_quality_and_light(self):
        pairs = [{"uid": str(i), "quality": "half" if i % 2 else "native"} for i in range(6)]
        gaps = {str(i): 10 * i for i in range(6)}
        limits = levir_cc.thirds(gaps.values())
        found = {name: "".join(each["uid"] for each in group) for name, group in levir_cc.groups(pairs, gaps, limits)}
        self.assertEqual(found, {"all": "012345", "native": "024", "half": "135",
                                 "gap below 20": "01", "gap 20 to 40": "23", "gap from 40": "45"})

    def test_rows_leave_out_empty_parts(self):
        scores = {name: {"value": 0.5, "low": 0.4, "high": 0.62} for name in levir_cc.SCORES}
        subsets = {"all": {"pairs": 3, "scores": scores}, "changed": {"pairs": 3, "scores": scores},
                   "unchanged": {"pairs": 0, "scores": scores}}
        rows = list(levir_cc.score_rows("half", subsets))
        self.assertEqual([row[:3] for row in rows], [["half", 3, "50.0 ±11.0"], ["half, changed", 3, "50.0 ±11.0"]])
        self.assertEqual(levir_cc.markdown([["a", "b"], ["c", 1]]), "| a | b |\n| --- | ---: |\n| c | 1 |")


class Mirrored(unittest.TestCase):
    def test_places_change_with_the_image(self):
        text = "a house above the road appears in the upper left corner and the right villas are removed"
        for across, down, expected in (
            (True, False, "a house above the road appears in the upper right corner and the left villas are removed"),
            (False, True, "a house below the road appears in the lower left corner and the right villas are removed"),
            (True, True, "a house below the road appears in the lower right corner and the left villas are removed"),
        ):
            with self.subTest(across=across, down=down):
                self.assertEqual(mirror_pairs.mirrored_text(text, across, down), expected)

    def test_every_file_of_a_pair_is_mirrored(self):
        files = {"img1_path": "A/a.png", "img2_path": "B/a.png", "mask_path": "m.png", "classes1_path": "C/a.png",
                 "classes2_path": "D/a.png"}
        with unittest.mock.patch.object(mirror_pairs, "mirrored_image") as mirrored:
            copies = list(mirror_pairs.copies({**pair("a", True, "left"), **files}, pathlib.Path("/l"), pathlib.Path("/o")))
        written = {str(call.args[1]): str(call.args[0]) for call in mirrored.call_args_list}
        self.assertEqual(len(written), 3 * len(files))
        for copy in copies:
            for key, file in files.items():
                self.assertEqual(written[f"/o/{copy[key]}"], f"/l/{file}")

    def test_twice_is_the_text(self):
        text = "top left bottom right upper lower above below north south east west northern southern eastern western"
        self.assertEqual(mirror_pairs.mirrored_text(mirror_pairs.mirrored_text(text, True, True), True, True), text)
        self.assertTrue(set(text.split()).isdisjoint(
            a for a, b in zip(text.split(), mirror_pairs.mirrored_text(text, True, True).split()) if a == b))


def safetensors(name, dtype, shape, data, name2="z", data2=b"tail"):
    header = {name: {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]},
              name2: {"dtype": "U8", "shape": [len(data2)], "data_offsets": [len(data), len(data) + len(data2)]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data + data2


class Vocabulary(unittest.TestCase):
    RANKS = {("o", "a"): 0, ("oa", "d"): 1, ("r", "oad"): 2}

    def test_pieces_follow_the_ranks_of_the_merges(self):
        self.assertEqual(change_vocabulary.pieces("road", self.RANKS), ["road"])
        self.assertEqual(change_vocabulary.pieces("roads", self.RANKS), ["road", "s"])
        self.assertEqual(change_vocabulary.pieces("toad", self.RANKS), ["t", "oad"])

    def test_a_new_token_has_the_rows_of_its_pieces(self):
        old = {"r": 0, "s": 1, "road": 2, "<|im_end|>": 3}
        self.assertEqual(change_vocabulary.sources(old, {"roads": 0, "road": 1, "<|im_end|>": 2}, self.RANKS),
                         {0: [2, 1], 1: [2], 2: [3]})

    def test_rows_are_means_in_float32_and_bfloat16(self):
        for dtype, data in (("F32", array.array("f", [1, 2, 3, 4, 5, 6]).tobytes()),
                            ("BF16", struct.pack("<6H", 0x3F80, 0x4000, 0x4040, 0x4080, 0x40A0, 0x40C0))):
            with self.subTest(dtype):
                weights = safetensors("model.embed_tokens.weight", dtype, [3, 2], data)
                changed = change_vocabulary.with_rows(weights, {0: [1, 2], 1: [0]})
                self.assertEqual(len(changed), len(weights))
                self.assertEqual(changed[-4:], b"tail")
                values = change_vocabulary.floats(changed[-4 - len(data):-4], dtype)
                self.assertEqual(list(values), [4, 5, 1, 2, 5, 6])

    def test_bfloat16_is_rounded_to_the_nearest_and_ties_to_even(self):
        self.assertEqual(change_vocabulary.stored([1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-9], "BF16"),
                         struct.pack("<3H", 0x3F80, 0x3F82, 0x3F80))

    def test_more_tokens_than_rows_are_an_error(self):
        weights = safetensors("model.embed_tokens.weight", "F32", [1, 2], bytes(8))
        with self.assertRaisesRegex(SystemExit, "expected at most 1 tokens, the rows of the embedding, got 2"):
            change_vocabulary.with_rows(weights, {1: [0]})
        with self.assertRaisesRegex(SystemExit, "expected the tensor model.embed_tokens.weight"):
            change_vocabulary.with_rows(safetensors("other", "F32", [1, 2], bytes(8)), {0: [0]})


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, "-B", SOURCE / "scripts/check_levir_cc.py", "--data", self.folder,
                               *arguments], capture_output=True, text=True, check=False)

    def write(self, *uids):
        entries = [{**pair(uid, True, "a house is built"), "img1_path": f"A/{uid}.png", "img2_path": f"B/{uid}.png",
                    "classes1_path": f"C/{uid}.png"} for uid in uids]
        (self.folder / "val.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))

    def test_lists_have_absolute_paths_and_no_common_pair(self):
        self.write("val_000001", "val_000035", "val_000200", "val_000300")
        done = self.run_script("--lists", str(self.folder / "lists"))
        self.assertEqual(done.returncode, 0, done.stderr)
        lists = {name: [json.loads(line) for line in (self.folder / f"lists/{name}.jsonl").read_text().splitlines()]
                 for name in ("look", "train", "choose", "keep")}
        self.assertEqual([each["uid"] for each in lists["keep"]], ["val_000035"])
        self.assertEqual(len(lists["train"]) + len(lists["choose"]), len(lists["look"]))
        self.assertEqual(lists["keep"][0]["img1_path"], str((self.folder / "A/val_000035.png").resolve()))
        self.assertEqual(lists["keep"][0]["classes1_path"], str((self.folder / "C/val_000035.png").resolve()))

    def test_pages_show_neither_keep_nor_enter_the_repository(self):
        self.write("val_000001")
        for split in ("keep", "all"):
            done = self.run_script("--split", split, "--page", str(self.folder / "page.html"))
            self.assertIn(f"--page: expected --split look, got {split}", done.stderr)
            self.assertEqual(done.returncode, 1)
        with self.assertRaisesRegex(levir_cc.Wrong, "expected a file outside the repository"):
            check_levir_cc.expect_page_allowed(SOURCE / "docs/page.html", "look")

    def test_a_bad_list_is_one_sentence(self):
        self.assertIn("expected a list of pairs in the universal format, got no file", self.run_script().stderr)
        (self.folder / "val.jsonl").write_text('{"uid": "val_000001"}\n')
        self.assertIn("entry 1: expected the key img1_path, got none", self.run_script().stderr)


class Sentences(unittest.TestCase):
    LISTS = ([["a house is built along the road", "a house appears"]],
             [["a house is built along the road", "two villas appear and trees are removed"]])

    def test_facts_are_shares_of_sentences_and_pairs(self):
        facts = compare_sentences.facts_of(self.LISTS[1])
        self.assertEqual(facts["words a sentence"], 7)
        self.assertEqual((facts["a road"], facts["and"], facts["a number"], facts["rows"]), (50, 50, 50, 0))
        self.assertEqual((facts["pairs: buildings"], facts["pairs: trees"]), (100, 0))

    def test_ngrams_compare_frequencies(self):
        one, other = (compare_sentences.ngrams(pairs, 2) for pairs in self.LISTS)
        self.assertEqual(compare_sentences.divergence(one, one), 0)
        self.assertEqual(compare_sentences.divergence(one, compare_sentences.ngrams([["no word alike"]], 2)), 1)
        self.assertEqual(compare_sentences.known(one, other), 7 / 8)

    def test_unchanged_pairs_do_not_count(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "list.jsonl"
            path.write_text("\n".join(json.dumps(each) for each in (
                pair("a", True, "a house appears ."), pair("b", False, "no change has occurred ."))))
            self.assertEqual(compare_sentences.read_changed(path), [["a house appears"]])


if __name__ == "__main__":
    unittest.main()
