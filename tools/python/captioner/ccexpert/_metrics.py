"""Scores of captions, which the package ccexpert-metrics has."""

from __future__ import annotations

from typing import Any

NAMES = ("CaptionScore", "Difference", "Scores", "compare", "install_meteor", "score")


def metric(name: str) -> Any:
    """Returns the class or function of ccexpert_metrics. Raises ImportError if it is not installed."""
    try:
        import ccexpert_metrics
    except ModuleNotFoundError:
        raise ImportError(f"ccexpert.{name}: expected the package ccexpert-metrics (pip install ccexpert-metrics)",
                          name="ccexpert_metrics") from None
    return getattr(ccexpert_metrics, name)
