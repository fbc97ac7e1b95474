// Precompiled for tests of the rooms with LibTorch.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "torch.h"
