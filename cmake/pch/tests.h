// Precompiled for tests without LibTorch.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base.h"
