#!/usr/bin/env bash
# Files of a map in programs that are not ours: map_readers.sh SOURCE BUILD. Tries GDAL's programs, its and rio-cogeo's
# validators of Cloud-Optimised GeoTIFFs, qgis_process and QGIS's Python module; leaves out those that are not installed.
set -euo pipefail
source=$1 map=$2/tools/ccexpert-map
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive QT_QPA_PLATFORM=offscreen HOME=$work XDG_RUNTIME_DIR=$work

fail() { echo "$*"; cat "$work/output"; exit 1; }
has() { command -v "$1" > /dev/null; }
knows() { /usr/bin/python3 -c "import $1" > /dev/null 2>&1; }
if ! has ogrinfo; then
  echo "GDAL's programs (gdal-bin) are not installed"
  exit 77
fi

# The pair lies in the middle of a scene that is wide enough for a raster of change with overviews.
for date in before after; do
  gdal_translate -q -srcwin -1472 -1472 3200 3200 -a_srs EPSG:32733 -a_ullr 700000 6103200 703200 6100000 \
    "$source/docs/images/demo/$date.png" "$work/$date.tif"
done
printf '%s' '{"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32733"}},
"features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [[[701472, 6101472],
[701728, 6101472], [701728, 6101728], [701472, 6101728], [701472, 6101472]]]}}]}' > "$work/area.geojson"
for ending in gpkg geojson fgb csv; do
  "$map" --model "$source/models/demo" "$work/before.tif" "$work/after.tif" -o "$work/changes.$ending" --overwrite --tile 64 \
    --all --threads 1 --aoi "$work/area.geojson" --heatmap "$work/heat.tif" > "$work/output" 2>&1 || fail "expected a map"
done

# lists FILE LAYER COUNT: ogrinfo finds so many polygons in a layer, with its fields.
lists() {
  ogrinfo -ro -so "$1" "$2" > "$work/output" 2>&1 || fail "expected ogrinfo to open $1"
  if [ -n "$3" ]; then grep -q "^Feature Count: $3$" "$work/output" || fail "expected $3 features"; fi
  grep -q "^Feature Count: [1-9]" "$work/output" || fail "expected features"
  for field in caption score area_m2; do grep -q "^$field: " "$work/output" || fail "expected the field $field"; done
  ! grep -q "^Warning\|^ERROR" "$work/output" || fail "expected no warning"
}
lists "$work/changes.gpkg" tiles 16
lists "$work/changes.gpkg" changes ""
for ending in geojson fgb csv; do
  layer=tiles second=changes
  if [ $ending != geojson ]; then layer=changes second=changes.changes; fi
  if [ $ending = fgb ]; then layer=tiles second=changes; fi
  lists "$work/changes.$ending" $layer 16
  lists "$work/changes.changes.$ending" $second ""
done
echo "ogrinfo: all layers of four formats"

gdalinfo -json -stats "$work/heat.tif" > "$work/output" 2> "$work/errors" || fail "expected gdalinfo to open the raster"
[ ! -s "$work/errors" ] || fail "expected no warning: $(cat "$work/errors")"
/usr/bin/python3 -S - "$work/output" << 'SCRIPT' || fail "expected a raster of change"
import json, sys
info = json.load(open(sys.argv[1]))
band = info["bands"][0]
assert info["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"] == "COG", info["metadata"]
assert band["type"] == "Float32" and str(band["noDataValue"]).lower() == "nan" and band["overviews"], band
assert 0 <= band["minimum"] < band["maximum"] <= 1, band
assert info["cornerCoordinates"]["upperLeft"] == [700000.0, 6103200.0], info["cornerCoordinates"]
SCRIPT
rm -f "$work/heat.tif.aux.xml"
echo "gdalinfo: the raster of change, a COG with overviews"

if knows osgeo_utils.samples.validate_cloud_optimized_geotiff; then
  /usr/bin/python3 -m osgeo_utils.samples.validate_cloud_optimized_geotiff "$work/heat.tif" > "$work/output" 2>&1 ||
    fail "expected a valid COG"
  grep -q "is a valid cloud optimized GeoTIFF" "$work/output" || fail "expected a valid COG"
  echo "GDAL's validator of COGs: valid"
fi
if has rio && rio cogeo --help > /dev/null 2>&1; then
  rio cogeo validate --strict "$work/heat.tif" > "$work/output" 2>&1 || fail "expected a valid COG"
  grep -q "is a valid cloud optimized GeoTIFF" "$work/output" || fail "expected a valid COG without warnings"
  echo "rio cogeo: valid"
fi

# Debian's wrapper gives qgis_process an option of QGIS that it refuses.
qgis=qgis_process
if has qgis_process.bin; then qgis=qgis_process.bin; fi
if has $qgis; then
  for layer in tiles changes; do
    $qgis run native:fieldcalculator -- INPUT="$work/changes.gpkg|layername=$layer" FIELD_NAME=square FIELD_TYPE=0 \
      FORMULA='$area' OUTPUT="$work/$layer.csv" > "$work/output" 2>&1 || fail "expected QGIS to read $layer"
    [ -s "$work/$layer.csv" ] || fail "expected features of $layer from QGIS"
  done
  [ "$(wc -l < "$work/tiles.csv")" -eq 17 ] || fail "expected 16 tiles from QGIS"
  echo "qgis_process: both layers"
fi
if knows qgis.core; then
  /usr/bin/python3 - "$work/changes.gpkg" "$work/heat.tif" > "$work/output" 2>&1 << 'SCRIPT' || fail "expected layers and styles in QGIS"
import os, sys
from qgis.core import QgsApplication, QgsRasterLayer, QgsVectorLayer
application = QgsApplication([], False)
application.initQgis()
for name, colour in (("tiles", "#2f81f7"), ("changes", "#e35028")):
    layer = QgsVectorLayer(f"{sys.argv[1]}|layername={name}", name, "ogr")
    assert layer.isValid() and layer.featureCount() > 0, name
    assert layer.crs().authid() == "EPSG:32733", layer.crs().authid()
    assert layer.renderer().symbol().color().name() == colour, layer.renderer().symbol().color().name()
    assert layer.mapTipTemplate() == '[% "caption" %]', layer.mapTipTemplate()
    assert all(feature.geometry().isGeosValid() for feature in layer.getFeatures()), name
raster = QgsRasterLayer(sys.argv[2], "change")
assert raster.isValid() and raster.crs().authid() == "EPSG:32733"
print("opened", flush=True)
os._exit(0)  # QGIS crashes if Python ends after it
SCRIPT
  grep -q "^opened$" "$work/output" || fail "expected layers and styles in QGIS"
  echo "QGIS: both layers with their styles, and the raster"
fi
