from __future__ import annotations

from typing import Any, Tuple, Type


class Error(Exception):
    """Error with a cause that a caller can act on.

    Its text is one sentence: "what: expected ..., got ... (hint)". `kind` is "input" (a value or a file is wrong),
    "missing" (a file does not exist), "resource" (memory, disk space or a permission is lacking) or "internal".
    """

    def __init__(self, message: str, kind: str = "input") -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> Tuple[Type[Error], Tuple[Any, ...]]:
        return type(self), (str(self), self.kind)
