/* SPDX-License-Identifier: MIT */
/* The table that make-vectors.py makes of Wycheproof's files. */
#ifndef CB_TESTS_EFI_VECTORS_H
#define CB_TESTS_EFI_VECTORS_H

#include "answers.h"

extern const struct answer_vector vectors[];
extern const unsigned n_vectors;
/* What each file says of itself; 0 when it was not there at build time. */
extern const unsigned n_vectors_of[ANSWER_FILES];

#endif
