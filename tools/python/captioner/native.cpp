// Module ccexpert._native: the library on arrays, paths and dicts. The package has the interface for users.
#include "captioner/parts.h"
#include "errors.h"

NB_MODULE(_native, module) {
  using namespace ccexpert::python;  // NOLINT(google-build-using-namespace)
  translate_errors(nanobind::module_::import_("ccexpert._errors").attr("Error"));
  add_captioner(module);
  add_maps(module);
  add_training(module);
  add_conversion(module);
}
