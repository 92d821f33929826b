/* SPDX-License-Identifier: MIT */
/* Published answers of the primitives that we call; the same checks run on Linux and on UEFI. */
#ifndef CB_TESTS_UNIT_ANSWERS_H
#define CB_TESTS_UNIT_ANSWERS_H

#include "core/bytes.h"

/* ---- Wycheproof ---- */

#define ANSWER_MESSAGE_MAX 8192u

/* Its files; tests/efi/make-vectors.py has the same names. */
enum answer_file {
	ANSWER_ED25519,
	ANSWER_XCHACHA20_POLY1305,
	ANSWER_AES_GCM,
	ANSWER_CHACHA20_POLY1305,
	ANSWER_HMAC_SHA256,
	ANSWER_X25519,
	ANSWER_ECDH_P256,
	ANSWER_ECDH_P256_SPKI,
	ANSWER_ECDSA_P256,
	ANSWER_ECDSA_P256_RAW,
	ANSWER_ECDSA_P384,
	ANSWER_ECDSA_P384_RAW,
	ANSWER_RSA_2048,
	ANSWER_RSA_3072,
	ANSWER_RSA_4096,
	ANSWER_RSA_4096_SHA512,
	ANSWER_FILES
};

enum answer_result { ANSWER_VALID, ANSWER_INVALID, ANSWER_ACCEPTABLE };

/* One vector; a field that its file has no use for is empty. */
struct answer_vector {
	unsigned id; /* tcId in the file */
	enum answer_file file;
	enum answer_result result; /* what the file says */
	const char *flags; /* why, in the file's words, each with a space before and behind */
	struct cb_bytes key; /* private key of ECDH, public key of a signature, RSA's modulus */
	struct cb_bytes nonce; /* RSA: the exponent */
	struct cb_bytes aad;
	struct cb_bytes msg; /* ECDH: the public key of the other side */
	struct cb_bytes sealed; /* ciphertext and tag, signature, tag, shared secret */
};

/*
 * A class of vectors of one file that are taken though the file calls them invalid, refused though
 * it calls them valid, or that it leaves open ("acceptable"). The first that fits decides.
 */
struct answer_class {
	enum answer_file file;
	const char *flag; /* in the file's words */
	const char *ids; /* of those, only these: " 3 17 "; NULL: all that are not plainly valid */
	bool is_taken;
	unsigned n; /* as many as there must be */
	const char *why;
};

extern const struct answer_class answer_classes[];
extern const unsigned n_answer_classes;

/* What is wanted of a file. */
struct answer_score {
	unsigned n, n_wrong; /* vectors; those that were taken for the other thing */
	unsigned n_class[64]; /* by class */
};

const char *answer_title(enum answer_file file);
/* False when this machine's processor lacks what the loader would do it with. */
bool answer_is_possible(enum answer_file file);
/*
 * True when the primitive, in the implementation that the loader has, says what the vector or its
 * class says. What does not fit the fixed size in our interfaces is refused by its size, as our
 * callers do. Counts in *score.
 */
bool answer_agrees(const struct answer_vector *v, struct answer_score *score);
/* No vector was wrong, and each class of the file had as many as it must have. */
bool answer_score_is_good(enum answer_file file, const struct answer_score *score);

/* Certificates are checked with the functions that the handshake has. */
bool answer_certificates_agree(void);

/* ---- Standards ---- */

/* A group of answers from a standard, and whether we give them all. Argon2id takes up to 64 MiB. */
struct answer_group {
	const char *name;
	bool (*agrees)(void);
};

extern const struct answer_group answer_groups[];
extern const unsigned n_answer_groups;

#endif
