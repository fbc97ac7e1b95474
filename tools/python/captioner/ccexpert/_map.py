"""Maps of changes between scenes, by the program ccexpert-map.

The program runs as a process of its own: GDAL stays out of this one, where rasterio or geopandas may have another.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, Iterable, List, Optional, Sequence, Union

from ._captioner import DEMO_MODEL
from ._errors import Error

PathLike = Union[str, "os.PathLike[str]"]

#: Names the program if it is not on PATH.
PROGRAM_VARIABLE = "CCEXPERT_MAP_PROGRAM"
SOME_FAILED, USAGE = 3, 2


def program() -> str:
    """Returns the path of ccexpert-map. Raises Error if it is not installed."""
    found = os.environ.get(PROGRAM_VARIABLE) or shutil.which("ccexpert-map")
    if not found:
        raise Error(f"ccexpert-map: expected on PATH or in {PROGRAM_VARIABLE}, got none (docs/map.md has its "
                    "installation)", "missing")
    return found


def _arguments(options: "dict[str, Any]") -> Iterable[str]:
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            yield option
        elif name == "mask" and not isinstance(value, (str, os.PathLike)):
            for each in value:
                yield from (option, os.fspath(each))
        elif isinstance(value, (list, tuple)):
            yield from (option, ",".join(str(each) for each in value))
        else:
            yield from (option, os.fspath(value) if isinstance(value, os.PathLike) else str(value))


def _run(arguments: List[str], quiet: bool) -> None:
    """Runs the program; passes its lines on, unless `quiet`. Raises Error with its last line if it fails."""
    # A session of its own: Ctrl-C in a terminal reaches it once, from here.
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
    assert process.stderr is not None
    last = ""
    try:
        for line in process.stderr:
            last = line.strip() or last
            if not quiet:
                sys.stderr.write(line)
        code = process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    finally:
        process.stderr.close()
    if code == SOME_FAILED:
        warnings.warn(last, stacklevel=3)
    elif code != 0:
        raise Error(last.partition("ccexpert-map: ")[2] or last or f"ccexpert-map: ended with {code}",
                    "input" if code in (1, USAGE) else "internal")


def _has_geopandas() -> bool:
    return importlib.util.find_spec("geopandas") is not None


def read_layer(file: PathLike, layer: str = "tiles") -> Any:
    """Returns a layer of a map, "tiles" or "changes".

    It is a GeoDataFrame if geopandas is installed; else a dict of GeoJSON for a file of GeoJSON, else the path.
    """
    file = Path(file)
    if file.suffix == ".csv":
        return _layer_file(file, layer)
    if _has_geopandas():
        import geopandas

        if file.suffix == ".gpkg":
            return geopandas.read_file(file, layer=layer)
        return geopandas.read_file(_layer_file(file, layer))
    if file.suffix in (".geojson", ".json"):
        return json.loads(_layer_file(file, layer).read_text())
    return file


def _layer_file(file: Path, layer: str) -> Path:
    return file if layer == "tiles" else file.with_suffix(f".{layer}{file.suffix}")


def _expect_layers(layers: Sequence[str]) -> None:
    for layer in layers:
        if layer not in ("tiles", "changes"):
            raise Error(f"layer: expected tiles or changes, got {layer}")


def map(before: PathLike, after: PathLike, output: Optional[PathLike] = None, *, model: Optional[PathLike] = None,
        layer: Union[str, Sequence[str]] = "tiles", quiet: bool = True, **options: Any) -> Any:
    """Captions the changes between two georeferenced scenes, as ccexpert-map does, and returns the layer.

    before, after: rasters by any name that GDAL opens. output: .gpkg, .geojson, .fgb or .csv to write; None: none stays.
    model: checkpoint folder; None: the demo model. layer: "tiles", "changes", or several, then a list is returned;
    see `read_layer`. quiet: no progress on standard error. options: those of the command with underscores: tile="128m",
    overlap=16, bands=(3, 2, 1), aoi="county.gpkg", mask=[...], threshold=0.2, device="cpu", resume=True, ...

    Ctrl-C keeps what is done, and the same call with resume=True continues. Tiles that failed are a warning. Raises
    Error, for instance if the program is not installed.
    """
    layers = [layer] if isinstance(layer, str) else list(layer)
    _expect_layers(layers)
    with tempfile.TemporaryDirectory() as folder:
        ending = "gpkg" if _has_geopandas() else "geojson"
        written = Path(output) if output is not None else Path(folder) / f"map.{ending}"
        _run([program(), "--model", os.fspath(DEMO_MODEL if model is None else model), "--output", str(written),
              *(["--quiet"] if quiet else []), *_arguments(options), "--", os.fspath(before), os.fspath(after)], quiet)
        read = [read_layer(written, each) for each in layers]
    return read[0] if isinstance(layer, str) else read
