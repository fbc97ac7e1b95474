// The function that libFuzzer or driver.cpp calls with every input.
#pragma once

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
