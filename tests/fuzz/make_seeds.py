#!/usr/bin/env python3
"""Writes seeds for the fuzz targets: make_seeds.py FOLDER makes FOLDER/TARGET/NAME out of tests/golden, configs and the
texts below. The corpus in this folder was selected from them and from collected inputs (see docs/building.md)."""
import base64
import gzip
import json
import pathlib
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/golden"
NEXT_FILE = b"\n=====\n"  # as kNextFile in fuzz.h
TINY = DATA / "checkpoint-tiny"
LARGEST_IMAGE = 3000  # bytes


def dump(value):
    return json.dumps(value).encode()


def files(*parts):
    return NEXT_FILE.join(part if isinstance(part, bytes) else part.encode() for part in parts)


def json_seeds():
    yield "values", b'{"a": [1, -2.5e3, true, null, "\\u00e9\\ud83d\\ude00"], "b": {"c": {}}}'
    yield "lines", b'{"uid": 1, "flag": "1"}\n\n{"uid": "b", "flag": false}\n'
    yield "list", b'[{"uid": "a"}, {"uid": 7}]'
    yield "deep", b"[" * 70 + b"]" * 70
    yield "twice", b'{"a": 1, "a": 2}'


def text_seeds():
    text = "a\u00e9\u20ac\U0001f600\r\nb\u202e\x1b[2J"
    yield "utf8", text.encode()
    yield "mark", text.encode("utf-8-sig")
    yield "utf16", b"\xff\xfe" + text.encode("utf-16-le")
    yield "utf16-big", b"\xfe\xff" + text.encode("utf-16-be")
    yield "utf32", text.encode("utf-32")
    yield "latin", "caf\u00e9".encode("latin-1")
    yield "nul", b"a\0b"


def yaml_seeds():
    document = "flag: yes\ncount: 3\ntexts: [a, 'b', \"c\\n\"]\ninner:\n  text: |\n    x\n  numbers: [1, 2]\nlist:\n  - {text: a}\n"
    yield "all", files(document, "inner.text=x", "list=[{text: b, numbers: [0x10, 1_0]}]")
    yield "alias", b"inner: &a {text: x}\nlist: [*a, *a]\n"
    yield "itself", b"&a [*a]"
    yield "merge", b"a: &x {text: 1}\ninner:\n  <<: *x\n"
    yield "documents", b"--- !!map\nflag: true\n...\n---\nflag: false\n"


def safetensors_seeds():
    def header(value, data=b""):
        text = value if isinstance(value, bytes) else dump(value)
        return struct.pack("<Q", len(text)) + text + data

    entry = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    yield "one", header({"a": entry, "__metadata__": {"format": "pt"}}, b"x" * 24)
    types = ["F64", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "F8_E4M3", "U16"]
    yield "types", header({t: {"dtype": t, "shape": [], "data_offsets": [i, i + 1]} for i, t in enumerate(types)}, b"x" * 11)
    yield "empty", header({"a": {"dtype": "U8", "shape": [0, 4], "data_offsets": [0, 0]}})
    yield "overlap", header({"a": entry, "b": entry}, b"x" * 24)


def archives():
    for path in sorted((DATA / "io").glob("*.bin")):
        yield path.stem, path.read_bytes()


def pickle_seeds():
    import io
    import zipfile
    for name, data in archives():
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for record in archive.namelist():
                    if record.endswith("data.pkl"):
                        archive.getinfo(record).CRC = None
                        pickle = archive.read(record)
                        yield name, pickle
                        # {"model": ...}: the protocol and STOP of the inner one are left out.
                        yield f"{name}-inner", pickle[:2] + b"}X\x05\0\0\0model" + pickle[2:-1] + b"s."


def checkpoint_folder_seeds():
    index = dump({"metadata": {"total_size": 1}, "weight_map": {"a": "model-00001-of-00001.safetensors"}})
    config = (TINY / "config.json").read_bytes()
    processor = (TINY / "preprocessor_config.json").read_bytes()
    generation = (TINY / "generation_config.json").read_bytes()
    nested = dump({"image_processor": json.loads(processor), "processor_class": "LlavaOnevisionProcessor"})
    adapter = dump({"base_model_name_or_path": "x", "peft_type": "LORA"})
    yield "authors", files(config, index, "", processor, "", generation)
    yield "llava-hf", files((DATA / "checkpoint-tiny-hf/config.json").read_bytes(), index, nested, processor)
    yield "adapter", files("", "", "", "", adapter)
    yield "bin", files(config, "", "", "", "", "", index)
    yield "other", files(dump({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "auto_map": {}}), index)


def model_config_seeds():
    processor = (TINY / "preprocessor_config.json").read_bytes()
    for path in sorted((DATA / "configs").glob("*.json")):
        yield path.stem, files(path.read_bytes(), processor)
    for name in ("checkpoint-tiny", "checkpoint-tiny-hf"):
        yield name, files((DATA / name / "config.json").read_bytes(), processor)
    config = json.loads((TINY / "config.json").read_bytes()) | {"ccexpert_question": "<image1> <image2> what?"}
    yield "question", files(dump(config), dump({"image_mean": [0.1, 0.2, 0.3], "crop_size": 3}))


def generation_config_seeds():
    yield "tiny", (TINY / "generation_config.json").read_bytes()
    yield "all", dump({"do_sample": True, "temperature": 0.7, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05,
                       "eos_token_id": 7, "max_new_tokens": 64, "min_new_tokens": 1, "num_beams": 3,
                       "length_penalty": 0.5, "transformers_version": "4.40"})
    yield "others", dump({"no_repeat_ngram_size": 3, "bad_words_ids": [[1]], "num_beam_groups": 2, "typical_p": 0.5,
                          "forced_bos_token_id": 1, "suppress_tokens": [1, 2], "early_stopping": "never"})


def tokenizer_seeds():
    vocabulary = {chr(c) if chr(c).isprintable() and c != 32 and c != 0xad else chr(0x100 + i): i
                  for i, c in enumerate(list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256)))}
    rest = [i for i in range(256) if not (33 <= i < 127 or 161 <= i < 173 or 174 <= i < 256)]
    for i, _ in enumerate(rest):
        vocabulary[chr(0x100 + i)] = len(vocabulary)
    vocabulary["ro"] = len(vocabulary)
    vocabulary["roa"] = len(vocabulary)
    merges = "#version: 0.2\nr o\nro a\n"
    config = dump({"added_tokens_decoder": {str(len(vocabulary)): {"content": "<|im_end|>", "special": True}}})
    added = dump({"<|im_end|>": len(vocabulary)})
    text = "a road \u00e9 12 <|im_end|>\n"
    yield "files", files("", dump(vocabulary), merges, config, added, text)
    whole = {"version": "1.0",
             "added_tokens": [{"id": len(vocabulary), "content": "<|im_end|>", "special": True}],
             "normalizer": {"type": "NFC"},
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                 {"type": "Split", "pattern": {"Regex": "\\p{L}+|\\s+|."}, "behavior": "Isolated", "invert": False},
                 {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]},
             "model": {"type": "BPE", "vocab": vocabulary, "merges": ["r o", ["ro", "a"]]}}
    real = json.loads((TINY / "tokenizer.json").read_bytes())
    for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        whole[key] = real.get(key)
    whole["model"] = {**{k: v for k, v in real["model"].items() if k not in ("vocab", "merges")}, **whole["model"]}
    yield "whole", files(dump(whole), "", "", "", "", text)


def pair_list_seeds():
    yield "json", dump([{"uid": "a", "before": "a.png", "after": "b.png", "change_caption": ["x", "y"], "change_flag": 1},
                        {"img1_path": "/a.png", "img2_path": "c.png", "change_caption": "z", "mask_path": "m.png",
                         "classes1_path": "c1.png", "classes2_path": "c2.png"}])
    yield "lines", b'{"before": "a", "after": "b", "change_caption": "x", "change_flag": "0"}\n{"uid": 3, "before": "a", "after": "c"}\n'
    yield "csv", b'uid,before,after\n1,a.png,"b ""c"".png"\r\n\r\n,"x\ny.png",z.png\n'
    yield "mark", b"\xef\xbb\xbfbefore,after\na,b\n"
    yield "utf16", "\ufeffbefore,after\na,b\n".encode("utf-16-le")


def captions_seeds():
    predictions = [{"uid": "a", "pred": "a road", "change_caption": ["a road is built"], "change_flag": 1},
                   {"image_id": 2, "caption": "nothing has changed"}, {"before": "x/b.png", "error": "damaged"}]
    universal = [{"uid": "a", "change_caption": ["x", "y"], "change_flag": 0, "img1_path": "a.png", "img2_path": "b.png"}]
    levir = {"images": [{"filename": "a.png", "imgid": 1, "split": "test", "changeflag": 1, "filepath": "test",
                         "sentences": [{"raw": " a road ", "tokens": ["a"]}]}]}
    coco = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1, "caption": "x"}]}
    clevr = {"CLEVR_default_000001.png": ["x", "y"]}
    lines = b'{"uid": "a", "before": "a", "after": "b", "caption": "x", "token_ids": [1], "logprob": -1.5, "finish": "end_token", "run": "r"}\n'
    yield "universal", files(dump(predictions), dump(universal))
    yield "levir", files(lines, dump(levir))
    yield "coco", files(dump({"1": ["x"], "2": [{"caption": "y"}]}), dump(coco))
    yield "clevr", files("a\tx\nb\ty\n", dump(clevr), dump({"train": [], "val": [], "test": [1]}))
    yield "dictionary", files('uid,before,after,caption\n"a",b,c,"d, e"\n', dump({"1": ["x", "y"]}))
    rscc = b'{"pre_image": "a.png", "post_image": "b.png", "change_caption": "x"}\n'
    chat = [{"id": "1", "image": ["A/1.png", "B/1.png"], "changeflag": 1, "conversations": [
        {"from": "human", "value": "describe the changes"}, {"from": "gpt", "value": "x"}]}]
    yield "rscc", files(lines, rscc)
    yield "changechat", files(lines, dump(chat))
    yield "spot", files(lines, dump([{"img_id": "9", "sentences": ["x"]}]))
    yield "editing", files(lines, dump([{"img0": "a", "img1": "b", "sents": ["x"], "uid": "u"}]))


METEOR = ("car\n02958343 02959942\nautomobile\n02958343 01935476\nbig\n01382086\nlarge\n01382086\n",
          "good\nbetter best\n", "the\na\nare\nof\nis\n", "# names\nMr\nNo #NUMERIC_ONLY#\n",
          "0.1\na number of\nmany\n0.1\na number of\nseveral\n0.2\nclose to\nnear\n0.2\nnear\nclose to\n")


def meteor_tables_seeds():
    yield "plain", files(*METEOR)
    yield "packed", files(*METEOR[:4], gzip.compress(METEOR[4].encode(), mtime=0))


def meteor_index_seeds():
    def padded(part):
        return part + bytes(-len(part) % 8)

    def lists(count, value):
        keys = struct.pack(f"<{count}Q", *(i << 60 for i in range(count)))
        offsets = struct.pack(f"<{count + 1}I", *range(count + 1))
        return [keys, offsets, struct.pack(f"<{count}{value}", *range(count))]

    for name, count in (("empty", 0), ("small", 3), ("more", 9)):
        sections = lists(count, "I") + lists(count, "I") + lists(count, "Q")
        sections += [struct.pack(f"<{count}Q", *range(count)), b"Mr\nNo #NUMERIC_ONLY#\n"]
        header = b"ccxmteo2" + bytes(16) + struct.pack("<11Q", *map(len, sections))
        yield name, header + b"".join(map(padded, sections))


def run_config_seeds():
    for path in sorted((ROOT / "configs").glob("*.yaml")) + sorted((ROOT / "configs/demo").glob("*.yaml")):
        yield path.stem, files(path.read_bytes(), "optimizer.learning_rate=1e-4", "data.question=x")
    yield "stages", files("name: a\noutput: o\nmodel: {start: s}\ndata: {train: t}\nstages:\n  - {name: b, batch: {max_steps: 3}}\n"
                          "  - {name: c, start_from: last, loss: {mask: 1}}\n", "batch.global=8")


def data_list_seeds():
    for path in sorted((ROOT / "configs/data").glob("*.yaml")):
        yield path.stem, path.read_bytes()
    yield "pairs", (b"datasets:\n  - json_path: pairs.json\n    sampling_strategy: random:50%\n    captions: first:1\n    repeat: 3\n"
                    b"  - json_path: '{split}.json'\n    splits: [pairs, none]\n    image_root: x\n    sampling_strategy: end:1\n")


def manifest_seeds():
    yield "right", dump({"a": {"bytes": 10, "xxh3": "0" * 32}})
    yield "missing", dump({"b": {"bytes": 0, "xxh3": ""}, "../c": {"bytes": 1, "xxh3": ""}})
    yield "lines", b"a 10 00\nb c 11 22\n"
    yield "conversion", dump({"made_by": "ccexpert-data convert", "source": "folders", "files": ["train.json", "crops"],
                              "splits": {"train": {"pairs": 1}}})


def chat_seeds():
    yield "answer", dump({"choices": [{"message": {"content": "[\"a road is built\", \"b\", \"c\"]", "role": "assistant"},
                                       "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 4.0}})
    yield "parts", dump({"choices": [{"message": {"content": [{"type": "text", "text": "1. a\n2. b\n3. c"}]}}], "usage": None})
    yield "fenced", dump({"choices": [{"message": {"content": "```json\n{\"captions\": [\"x\"]}\n```"}}]})
    yield "refusal", dump({"error": {"message": "no", "code": 1}})
    yield "journal", b'{"request":"0123456789abcdef0123456789abcdef","answer":"x","finish":"stop","prompt_tokens":1,"answer_tokens":null}\n{"req'


def images():
    """The files of tests/golden that are small: a table of header combinations, and the goldens."""
    packed = gzip.decompress((DATA / "image_table/files.safetensors.gz").read_bytes())
    size = struct.unpack("<Q", packed[:8])[0]
    for name, entry in json.loads(packed[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            yield name.replace("/", "-"), packed[8 + size + begin:8 + size + end]
    for path in sorted((DATA / "preprocess/images").iterdir()):
        yield path.name, path.read_bytes()


def image_seeds():
    for name, data in images():
        if len(data) <= LARGEST_IMAGE:
            yield name, data


def json_stream_seeds():
    yield from pair_list_seeds()
    yield "images", dump({"dataset": "x", "images": [{"filename": "a", "tokens": [1, 2]}, {"filename": "b"}], "more": {}})
    yield "members", dump({"train": [1, 2], "val": {"a": None}})


def convert_seeds():
    levir = {"images": [{"filepath": "train", "filename": "train_000016.png", "imgid": 0, "changeflag": 1, "split": "train",
                         "sentences": [{"tokens": ["a"], "raw": " a road  is built ."}]}]}
    second = {"images": [{"split": "train", "filename": "7.png", "sentences": [{"raw": "a lake dried up ."}]}]}
    rscc = b'{"pre_image": "a_pre.png", "post_image": "a_post.png", "change_caption": "A roof is gone."}\n'
    chat = [{"id": "1", "image": ["A/1.png", "B/1.png"], "changeflag": 1, "conversations": [
        {"from": "human", "value": "Please briefly describe the changes in these two images."},
        {"from": "gpt", "value": "two houses are built ."}]}]
    tests = [{"image_A": "A/2.png", "image_B": "B/2.png", "captions": ["a", "b"], "changeflag": 0}]
    clevr = [{"CLEVR_default_000001.png": ["the cube is gone"]}, {"CLEVR_default_000001.png": ["nothing changed"]},
             {"train": [1], "val": [], "test": []}, {"drop": [1]}]
    chrono = [{"name": "3images/t", "contents": [{"name": "5.png"}, {"name": "6.png"}, {"name": "7.png", "url": "x"}],
               "attributes": [{"type": "textarea", "key": "1_tree", "value": "A tree is in C but not in B."},
                              {"type": "radio", "key": "x", "value": "No"}]}]
    vismin = [{"image_path": "1.png", "caption": "A red car on a road.",
               "negatives": [{"edited_image_path": "2.png", "edited_caption": "A blue car on a road."}]}]
    table = b'image_path,caption,edited_image_path,edited_caption,edit_id\n2.png,"A dog, asleep",3.png,"A cat",4\n'
    layouts = [("levir", files(dump(levir))), ("second", files(dump(second))), ("dubai", files(dump(second))),
               ("rscc", files(rscc, rscc)), ("changechat", files(dump(chat), dump(tests))),
               ("clevr", files(*map(dump, clevr))),
               ("editing", files(dump([{"img0": "a.png", "img1": "b.png", "sents": ["u"], "uid": "x"}]))),
               ("spot", files(dump([{"img_id": "9", "sentences": ["the man left"]}]))),
               ("stvchrono", files(dump(chrono))), ("vismin", files(dump(vismin), table)),
               ("folders", files('name,caption\nx.png,a house is built\nx,"built, then"\n'))]
    for number, (name, data) in enumerate(layouts):
        yield name, bytes([ord("0") + number]) + data


def training_state_seeds():
    progress = {"step": 3, "updates": 3, "samples": 9, "epoch": 0, "batch": 3, "best": 0.5, "metric": "loss"}
    state = {"progress": progress, "buckets": [{"elements": 3, "names": ["a"]}],
             "files": [{"file": "optimizer-00000-of-00001.safetensors", "ranges": [[0, 3]]}]}
    yield "whole", dump(state)
    yield "halves", dump(state | {"files": state["files"] * 2})


def tiny_png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0abcdef" * 2)) + chunk(b"IEND", b""))


def adapter_seeds():
    def weights(layers, rank):
        header, data = {}, b""
        for name in layers:
            for end, shape in (("lora_A", [rank, 2]), ("lora_B", [3, rank])):
                size = 4 * shape[0] * shape[1]
                header[f"base_model.model.{name}.{end}.weight"] = {"dtype": "F32", "shape": shape,
                                                                   "data_offsets": [len(data), len(data) + size]}
                data += struct.pack(f"<{size // 4}f", *range(size // 4))
        text = dump(header)
        return struct.pack("<Q", len(text)) + text + data

    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "bias": "none",
              "base_model_name_or_path": "base", "fan_in_fan_out": False, "task_type": "CAUSAL_LM"}
    layer = "model.layers.0.q_proj"
    yield "fits", files(dump(config), weights([layer], 2))
    yield "patterns", files(dump(config | {"r": 1, "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"0.q_proj": 1},
                                           "use_rslora": True, "target_modules": "all-linear"}), weights([layer], 2))
    yield "other-layers", files(dump(config | {"target_modules": r".*\\.q_proj"}), weights([layer, "model.layers.1.q_proj"], 2))
    yield "other-rank", files(dump(config | {"r": 3}), weights([layer], 2))
    yield "dora", files(dump(config | {"use_dora": True, "init_lora_weights": "pissa"}), weights([layer], 2))
    yield "no-weights", files(dump(config))


def serve_seeds():
    def request(path, body, kind="application/json", headers=""):
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{headers}"
        return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body

    def get(path, method="GET", headers=""):
        return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()

    def call(method, parameters, number=1):
        return request("/mcp", dump({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}))

    def field(name, content, file=""):
        return f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"

    image = tiny_png()
    text = base64.b64encode(image).decode()
    uri = "data:image/png;base64," + text
    pair = {"before": text, "after": uri}
    chat = {"model": "fake", "messages": [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": uri}}] * 2 + [{"type": "text", "text": "?"}]}]}
    turns = chat["messages"] + [{"role": "assistant", "content": "a"}, {"role": "user", "content": "Where?"}]
    form = field("before", image, '; filename="a.png"') + field("after", image, "; filename=b.png") + field("beams", b"2")
    chunks = dump(pair)
    chunked = b"%x\r\n%s\r\n%x;a=b\r\n%s\r\n0\r\n\r\n" % (9, chunks[:9], len(chunks) - 9, chunks[9:])
    coded = b"POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield "json", request("/v1/captions", dump(pair | {"locate": True, "words": True, "polygons": True, "stop_ids": [1]}))
    yield "stream", request("/v1/captions", dump(pair | {"stream": True, "temperature": 0.5, "seed": 3}))
    yield "form", request("/v1/captions", form + b"--b--\r\n", "multipart/form-data; boundary=b")
    yield "chunks", coded + chunked
    yield "chat", request("/v1/chat/completions", dump(chat | {"logprobs": True, "max_tokens": 8, "n": 1}))
    yield "turns", request("/v1/chat/completions", dump(chat | {"messages": turns, "stream": True,
                                                                "stream_options": {"include_usage": True}}))
    yield "mcp", call("initialize", {"protocolVersion": "2025-06-18"}) + call("tools/list", {}) + call("ping", {})
    yield "tool", call("tools/call", {"name": "caption_change", "arguments": pair | {"locate": True}})
    yield "several", get("/healthz") + get("/v1/models") + get("/v1/models/fa%6be") + get("/nothing?a=b")
    yield "options", get("/v1/captions", "OPTIONS", "Origin: http://localhost\r\n") + get("/mcp", "DELETE")
    yield "head", get("/readyz", "HEAD", "X-Request-Id: a-1\r\n")
    yield "old", b"GET http://localhost:80/healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/healthz")
    yield "expect", request("/v1/captions", b"{}", headers="Expect: 100-continue\r\n")
    yield "long", request("/v1/captions", b"")[:-5] + b"999999\r\n\r\n"


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    makers = {name.removesuffix("_seeds"): make for name, make in globals().items() if name.endswith("_seeds")}
    makers["torch_archive"] = archives
    for target, make in makers.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in make():
            (folder / name).write_bytes(data)


main()
