"""docs/tutorial.ipynb: its cells run from first to last, without a notebook's programs."""

import ast
import json
import os
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def run_cell(source, names):
    """Returns the value of the last expression of a cell, as a notebook shows it."""
    tree = ast.parse(source)
    last = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(last, "cell", "eval"), names) if last else None


def code_cells():
    notebook = json.loads((DOCS / "tutorial.ipynb").read_text())
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_cells_run_in_turn(monkeypatch, capsys):
    for package in ("ccexpert", "ccexpert_metrics", "PIL"):
        pytest.importorskip(package)
    monkeypatch.chdir(DOCS)
    names = {}
    shown = [run_cell("".join(cell["source"]), names) for cell in code_cells()]
    assert str(names["captioner"].caption(names["before"], names["after"])) in capsys.readouterr().out
    ranked = next(value for value in shown if isinstance(value, list) and len(value) == 2)
    assert ranked[0] > 0.5 > ranked[1]  # the pair, and an image against itself
    assert 0 < names["scores"]["ROUGE-L"]
    if "CCEXPERT_MAP_PROGRAM" in os.environ:
        changes = names["changes"]  # a GeoDataFrame if geopandas is installed
        assert len(changes["features"] if isinstance(changes, dict) else changes) > 0


def test_outputs_are_not_kept():
    assert not any(cell["outputs"] for cell in code_cells())
