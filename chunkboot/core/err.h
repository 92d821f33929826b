/* SPDX-License-Identifier: MIT */
/* Error codes: one must-check enum for the whole tree, each with name, message and remedy. */
#ifndef CB_CORE_ERR_H
#define CB_CORE_ERR_H

#include "core/err_list.h"

/* A function that returns cb_err must have its result looked at. */
#ifdef __clang__
#define CB_MUST_CHECK __attribute__((warn_unused_result))
#else
#define CB_MUST_CHECK [[nodiscard]]
#endif

#define CB_ERR_ENUM(name, code, exit, message, hint) CB_##name = (code),
/* CB_OK is 0; every other value is the number in its public name CB-Ennn. */
enum CB_MUST_CHECK cb_err { CB_ERR_LIST(CB_ERR_ENUM) };
#undef CB_ERR_ENUM

struct cb_err_info {
	const char *name; /* symbolic name without prefix, e.g. "META_EXPIRED" */
	unsigned code; /* nnn of CB-Ennn, 0 for CB_OK */
	int exit_code; /* process exit code of the command line tool */
	const char *message; /* one line, lower case, no full stop: what failed */
	const char *hint; /* one line: what the person can do */
};

/* Facts about err; never NULL (an unknown value yields the entry of CB_INTERNAL). Static storage. */
const struct cb_err_info *cb_err_info(enum cb_err err);

/* The i-th entry of the closed list, in ascending order of code; NULL past the end. */
const struct cb_err_info *cb_err_at(unsigned i);

#endif
