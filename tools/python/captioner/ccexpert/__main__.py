"""python -m ccexpert COMMAND: captions, training, conversion, maps and scores without the C++ programs."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

import ccexpert

from . import _map


def _option(text: str) -> Tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _add_options(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--set", action="append", default=[], type=_option, metavar="NAME=VALUE", dest="options",
                        help=f"{what}; may be repeated")


def _json_of(caption: ccexpert.Caption) -> str:
    made: Dict[str, Any] = {"text": caption.text, "logprob": caption.logprob, "finish": caption.finish}
    if caption.change is not None:
        made.update(score=caption.change.score, map=[[round(float(x), 4) for x in row] for row in caption.change.map])
    return json.dumps(made)


def _caption(arguments: argparse.Namespace) -> int:
    captioner = ccexpert.Captioner.load(arguments.model, device=arguments.device, dtype=arguments.dtype,
                                        threads=arguments.threads, adapter=arguments.adapter)
    caption = captioner.caption(arguments.before, arguments.after, prompt=arguments.prompt, locate=arguments.locate,
                                **dict(arguments.options))
    print(_json_of(caption) if arguments.json else caption)
    return 0


def _add_caption(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="BEFORE", help="image of the first date")
    parser.add_argument("after", metavar="AFTER", help="image of the second date")
    parser.add_argument("--model", metavar="DIR", help="checkpoint folder (default: the demo model)")
    parser.add_argument("--adapter", metavar="DIR", help="LoRA adapter of the model")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--dtype", default="standard", help="standard, auto, float32, bfloat16, float16 or int8")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="threads on a CPU (default: all cores)")
    parser.add_argument("--prompt", default="", help="own question")
    parser.add_argument("--locate", action="store_true", help="with --json: also score and map of the change")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the text")
    _add_options(parser, "option of decoding, as beams=3 or max_new_tokens=32")


def _train(arguments: argparse.Namespace) -> int:
    stages = ccexpert.train(arguments.config, overrides=arguments.overrides, quiet=arguments.quiet)
    return 0 if all(stage.finished for stage in stages) else 1


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", help="YAML file of the run")
    parser.add_argument("overrides", metavar="SECTION.KEY=VALUE", nargs="*", help="values for all stages")
    parser.add_argument("--quiet", action="store_true", help="print only warnings and errors")


def _convert(arguments: argparse.Namespace) -> int:
    made = ccexpert.convert(arguments.input, arguments.output, source=arguments.source, **dict(arguments.options))
    for split, counts in made.splits.items():
        print(f"{split}: {counts['pairs']} pairs, {counts['captions']} captions")
    return 0 if made.left_out == 0 else _map.SOME_FAILED


def _add_convert(parser: argparse.ArgumentParser) -> None:
    names = ", ".join(source.name for source in ccexpert.sources())
    parser.add_argument("input", metavar="DIR", help="folder of the data set")
    parser.add_argument("output", metavar="OUT", help="folder for train.json, val.json, test.json")
    parser.add_argument("--source", default="auto", help=f"auto, or one of {names}")
    _add_options(parser, "option of ccexpert-data convert, as on_error=skip")


def _score(arguments: List[str]) -> int:
    try:
        from ccexpert_metrics.__main__ import main as score
    except ModuleNotFoundError:
        print("ccexpert: score: expected the package ccexpert-metrics (pip install ccexpert-metrics)", file=sys.stderr)
        return 1
    return score(arguments)


def _map_command(arguments: List[str]) -> int:
    program = _map.program()
    os.execv(program, [program, *arguments])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ccexpert", description="Change captioning of remote sensing images.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parts: List[Tuple[str, str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]] = [
        ("caption", "caption a pair of images", _add_caption, _caption),
        ("train", "train the run of a config", _add_train, _train),
        ("convert", "convert a data set", _add_convert, _convert)]
    for name, help, add, run in parts:
        command = commands.add_parser(name, help=help)
        add(command)
        command.set_defaults(run=run)
    commands.add_parser("map", help="caption a whole scene: the options of ccexpert-map")
    commands.add_parser("score", help="score captions: the options of ccexpert-score")
    return parser


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs a command and returns its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    passed_on = {"map": _map_command, "score": _score}
    try:
        if given and given[0] in passed_on:
            return passed_on[given[0]](given[1:])
        parsed = _parser().parse_args(given)
        return int(parsed.run(parsed))
    except ccexpert.Error as error:
        print(f"ccexpert: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
