"""Training runs in this process."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Union

from . import _native
from ._errors import Error

Entry = Dict[str, Any]


class Callback:
    """What a training run calls; a method that is not overridden does nothing. Returning False ends the run.

    Entries are dicts, those of the run's log.jsonl. A step has "step", "loss", "grad_norm", "learning_rate", "seconds",
    "tokens_per_second", ...; an evaluation "step", "loss", "metric", "score", "best", "scores", "samples".
    """

    def on_step(self, entry: Entry) -> Optional[bool]:
        """Called after each optimiser step."""
        return None

    def on_evaluation(self, entry: Entry) -> Optional[bool]:
        """Called after each evaluation of the validation split."""
        return None

    def on_note(self, text: str) -> Optional[bool]:
        """Called with each sentence about the run, for instance on its data and its start."""
        return None


#: A Callback, or a function that gets every entry.
CallbackLike = Union[Callback, Callable[[Entry], Optional[bool]]]


@dataclass(frozen=True)
class Stage:
    """Stage of a run. finished: False if it was stopped or did not begin; the same call continues it."""

    name: str
    output: Path
    finished: bool

    @property
    def best(self) -> Optional[Path]:
        """Checkpoint with the best score, which `Captioner.load` reads; None before the first."""
        return self._checkpoint("best")

    @property
    def last(self) -> Optional[Path]:
        """Newest checkpoint; None before the first."""
        return self._checkpoint("last")

    def _checkpoint(self, link: str) -> Optional[Path]:
        path = self.output / link
        return path if path.exists() else None


def _answer_of(callback: CallbackLike, entry: Entry) -> Optional[bool]:
    if not isinstance(callback, Callback):
        return callback(entry)
    if entry["event"] == "note":
        return callback.on_note(entry["text"])
    return callback.on_step(entry) if entry["event"] == "step" else callback.on_evaluation(entry)


def _yaml_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=os.fspath)


def _overrides(overrides: Union[Mapping[str, Any], Iterable[str]]) -> List[str]:
    if isinstance(overrides, Mapping):
        return [f"{key}={_yaml_of(value)}" for key, value in overrides.items()]
    return list(overrides)


def _train(config: Path, overrides: List[str], callbacks: List[CallbackLike], quiet: bool) -> List[Stage]:
    def on_entry(line: str) -> bool:
        entry = json.loads(line)
        # Every callback sees the entry, also if an earlier one ends the run.
        return all([_answer_of(each, entry) is not False for each in callbacks])

    stages, finished = _native.train(config, overrides, quiet, on_entry if callbacks else None)
    return [Stage(name, Path(output), i < finished) for i, (name, output) in enumerate(stages)]


def train(config: Union[str, "os.PathLike[str]", Mapping[str, Any]], *,
          overrides: Union[Mapping[str, Any], Iterable[str]] = (), callbacks: Iterable[CallbackLike] = (),
          quiet: bool = False) -> List[Stage]:
    """Trains the run of a config and returns its stages, as ccexpert-train does.

    config: a YAML file, or a dict with the same keys. Relative paths count from the working directory.
    overrides: values for all stages by key, {"batch.max_steps": 100}, or texts "batch.max_steps=100".
    callbacks: Callback objects or functions; an exception of one ends the run and is raised.
    quiet: no progress on standard error.

    A run that ends early, by Ctrl-C too, first saves a checkpoint, from which the same call continues. Processes of
    torchrun train together, as those of ccexpert-train. Raises Error.
    """
    own, called = _overrides(overrides), list(callbacks)
    if not isinstance(config, Mapping):
        return _train(Path(config), own, called, quiet)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(json.dumps(config, default=os.fspath, indent=1))
        try:
            return _train(file, own, called, quiet)
        except Error as error:
            raise Error(re.sub(re.escape(str(file)) + r"(:\d+)?", "config", str(error)), error.kind) from None
