// Precompiled for the commands.
#pragma once
#include "base.h"

#include <CLI/CLI.hpp>
