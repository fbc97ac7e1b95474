// Styles of the layers for QGIS, inside a GeoPackage.
#pragma once

#include "geo/vector_file.h"

namespace ccexpert::geo {

/// Adds the table layer_styles, from which QGIS takes the default style of each layer. Other formats have
/// none.
void add_qgis_styles(VectorFiles& files);

}  // namespace ccexpert::geo
