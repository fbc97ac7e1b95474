"""Error of this package, which is that of ccexpert_metrics if it is installed, so that one `except` catches both."""

try:
    from ccexpert_metrics import Error
except ImportError:
    from ._error import Error  # type: ignore[assignment]

__all__ = ["Error"]
