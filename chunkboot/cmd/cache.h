/* SPDX-License-Identifier: MIT */
/* What the parts of the verb "cache" share. */
#ifndef CB_CMD_CACHE_H
#define CB_CMD_CACHE_H

#include "cmd/verbs.h"

/* Options of "fill"; they lead into the command line. */
struct cb_cache_fill_args {
	const char *root;
	uint64_t rate; /* bytes a second, 0: no limit */
	struct cb_texts near, tls_cas, tls_pins;
};

extern struct cb_cache_fill_args cb_cache_fill_args;

/* operands: the cache, then mirrors and repositories, then names. */
enum cb_err cb_cache_fill(int n, char **operands, struct cb_error *e);

#endif
