// Compilation of one function for several instruction sets, of which the processor's best is taken at load.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CCEXPERT_VECTOR_CLONES [[gnu::target_clones("arch=x86-64-v4", "arch=haswell", "default")]]
/// For what such functions call: each of them has it in its own instructions.
#define CCEXPERT_INLINE [[gnu::always_inline]] inline
#else
#define CCEXPERT_VECTOR_CLONES
#define CCEXPERT_INLINE inline
#endif
