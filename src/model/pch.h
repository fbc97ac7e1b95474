// Precompiled header of every file that uses torch::nn: these headers need about twenty seconds to parse.
#pragma once
#include <ATen/ATen.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>
