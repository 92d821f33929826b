/* SPDX-License-Identifier: MIT */
/* Published answers of the primitives that we call; the same checks run on Linux and on UEFI. */
#ifndef CB_TESTS_UNIT_ANSWERS_H
#define CB_TESTS_UNIT_ANSWERS_H

#include "core/bytes.h"

#define ANSWER_MESSAGE_MAX 2048u

enum answer_kind { ANSWER_ED25519, ANSWER_XCHACHA20_POLY1305, ANSWER_KINDS };

/* One vector of Wycheproof; a field that its kind has no use for is empty. */
struct answer_vector {
	unsigned id; /* tcId in the file */
	enum answer_kind kind;
	bool is_valid; /* what the file says; neither file has "acceptable" ones */
	struct cb_bytes key, nonce, aad, msg;
	struct cb_bytes sealed; /* the signature, or ciphertext and tag */
};

/*
 * True when the primitive says what the vector says. A key, nonce or signature that does not fit
 * the fixed size in our interfaces is refused by its size, as our callers do.
 */
bool answer_agrees(const struct answer_vector *v);

/* A group of answers from a standard, and whether we give them all. Argon2id takes up to 64 MiB. */
struct answer_group {
	const char *name;
	bool (*agrees)(void);
};

extern const struct answer_group answer_groups[];
extern const unsigned n_answer_groups;

#endif
