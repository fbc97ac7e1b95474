"""python -m ccexpert_metrics PREDICTIONS [--references FILE]: prints the scores."""

from __future__ import annotations

import argparse
import json
import sys
from typing import List, Optional

from . import Error, install_meteor, score


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(prog="ccexpert-score", description="Scores captions.")
    parser.add_argument("predictions", metavar="PREDICTIONS", nargs="?", help="captions: JSON, JSON Lines or CSV")
    parser.add_argument("--references", metavar="FILE", help="human captions, if the predictions have none")
    parser.add_argument("--split", default="test", help="split of the references (default: test)")
    parser.add_argument("--tokenizer", default="reference", choices=["reference", "ptb"])
    parser.add_argument("--no-meteor", action="store_true", help="leave METEOR and S*m out")
    parser.add_argument("--resamples", type=int, default=1000, metavar="N", help="0: no intervals (default: 1000)")
    parser.add_argument("--format", default="table", choices=["table", "json"])
    parser.add_argument("--install-meteor", action="store_true", help="install METEOR's tables first")
    options = parser.parse_args(arguments)
    if options.predictions is None and not options.install_meteor:
        parser.error("expected PREDICTIONS or --install-meteor")
    try:
        if options.install_meteor:
            print(install_meteor(), file=sys.stderr)
        if options.predictions is None:
            return 0
        scores = score(options.predictions, options.references, split=options.split, tokenizer=options.tokenizer,
                       meteor=not options.no_meteor, resamples=options.resamples)
    except Error as error:
        print(f"ccexpert-score: {error}", file=sys.stderr)
        return 1
    print(json.dumps(dict(scores)) if options.format == "json" else scores)
    return 0


if __name__ == "__main__":
    sys.exit(main())
