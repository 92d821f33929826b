/* SPDX-License-Identifier: MIT */
/* The table that make-vectors.py makes of Wycheproof's files. */
#ifndef CB_TESTS_EFI_VECTORS_H
#define CB_TESTS_EFI_VECTORS_H

#include "answers.h"

extern const struct answer_vector vectors[];
extern const unsigned n_vectors; /* 0 when the files were not there at build time */

#endif
