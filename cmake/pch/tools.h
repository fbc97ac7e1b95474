// Precompiled for the commands.
#pragma once
#include <CLI/CLI.hpp>

#include "base.h"
