/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259) for signed metadata: bounded strict parser, canonical form. */
#ifndef CB_CORE_JSON_H
#define CB_CORE_JSON_H

#include "core/bytes.h"
#include "core/err.h"
#include "core/mem.h"

#define CB_JSON_MAX_LEN (1u << 20) /* bytes of a document */
#define CB_JSON_MAX_DEPTH 8 /* arrays and objects inside each other */
#define CB_JSON_MAX_NODES 16384 /* values of a document */
#define CB_JSON_MAX_INTEGER ((1ull << 53) - 1)

/*
 * Both refuse duplicate members, ill-formed UTF-8, lone surrogates and more than the limits.
 * Strict refuses besides: numbers other than integers 0..2^53-1, control characters (C0, DEL, C1)
 * in strings, member names that are not ASCII.
 */
enum cb_json_rules { CB_JSON_STRICT, CB_JSON_STANDARD };

enum cb_json_type {
	CB_JSON_NULL,
	CB_JSON_FALSE,
	CB_JSON_TRUE,
	CB_JSON_NUMBER,
	CB_JSON_STRING,
	CB_JSON_ARRAY,
	CB_JSON_OBJECT,
};

/* A value. Members of an object are in order of their names' bytes, elements as they came. */
struct cb_json {
	enum cb_json_type type;
	uint32_t n_children; /* of an array or object */
	const struct cb_json *first; /* child; NULL when there is none */
	const struct cb_json *next; /* sibling; NULL at the end */
	struct cb_bytes name; /* unescaped; of a member of an object */
	struct cb_bytes text; /* of a string, unescaped; of a number, as written */
	uint64_t integer; /* of a number that is_integer */
	bool is_integer; /* a number without sign, fraction and exponent, at most 2^53-1 */
};

/* A parsed document: one allocation, independent of the input. */
struct cb_json_doc {
	const struct cb_mem *mem;
	struct cb_json *root; /* start of the allocation */
	size_t n_nodes;
};

/* META_FORMAT, META_LIMIT, NO_MEMORY; *ret untouched then. Else release with cb_json_done. */
enum cb_err cb_json_parse(const struct cb_mem *mem, struct cb_bytes input, enum cb_json_rules rules,
			  struct cb_json_doc *ret);
/* Frees; a zeroed document is fine. */
void cb_json_done(struct cb_json_doc *doc);

/* The member of this name; NULL when absent or when node is NULL or no object. */
const struct cb_json *cb_json_get(const struct cb_json *node, const char *name);
const struct cb_json *cb_json_get_bytes(const struct cb_json *node, struct cb_bytes name);
/* Is node (which may be NULL) of this type? */
bool cb_json_is(const struct cb_json *node, enum cb_json_type type);
/* The text of a string; META_FORMAT when node is NULL or another type. */
enum cb_err cb_json_string(const struct cb_json *node, struct cb_bytes *ret);
/* The value of an integer number 0..2^53-1; META_FORMAT otherwise. */
enum cb_err cb_json_integer(const struct cb_json *node, uint64_t *ret);

/*
 * Canonical form (OLPC canonical JSON): members sorted, no white space, in strings only '"' and '\'
 * escaped. META_FORMAT for numbers that are not integers (they have no canonical form).
 */
enum cb_err cb_json_canonical_len(const struct cb_json *node, size_t *ret_len);
/* Writes exactly that many bytes to out. */
enum cb_err cb_json_canonical_write(const struct cb_json *node, uint8_t *out, size_t len);
/* True when the canonical form of node is exactly text. */
bool cb_json_is_canonical(const struct cb_json *node, struct cb_bytes text);

#endif
