// Compilation of one function for several instruction sets, of which the processor's best is taken at load.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CCEXPERT_VECTOR_CLONES [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define CCEXPERT_VECTOR_CLONES
#endif
