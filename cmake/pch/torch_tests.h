// Precompiled for tests of the rooms with LibTorch.
#pragma once
#include "torch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
