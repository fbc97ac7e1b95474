// Parts of the module ccexpert._native.
#pragma once

#include <nanobind/nanobind.h>

namespace ccexpert::python {

/// Each adds its classes and functions to the module.
void add_captioner(nanobind::module_& module);
void add_maps(nanobind::module_& module);
void add_training(nanobind::module_& module);
void add_conversion(nanobind::module_& module);

}  // namespace ccexpert::python
