// Styles of the layers for QGIS, inside a GeoPackage.
#pragma once

#include "geo/vector_file.h"

namespace ccexpert::geo {

/// Adds the table layer_styles, from which QGIS takes the default style of each layer. Other formats have
/// none.
void add_qgis_styles(VectorFiles& files);

/// Does so for the layers of a series, whose steps QGIS shows at their times if these are known.
void add_series_styles(VectorFiles& files, bool is_timed);

}  // namespace ccexpert::geo
