// Precompiled for the rooms with LibTorch, whose headers take about twenty seconds to parse.
#pragma once
#include <ATen/ATen.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "base.h"
