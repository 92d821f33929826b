/* SPDX-License-Identifier: MIT */
/* The account records that lie in a repository. */
#ifndef CB_HOST_RECORDS_H
#define CB_HOST_RECORDS_H

#include <stdint.h>

#include "host/error.h"

/* path: of the record file; locator: what its name says. */
typedef enum cb_err (*cb_record_fn)(void *ctx, const char *path, const uint8_t locator[32],
				    struct cb_error *e);

/*
 * Calls fn for every file REPO/accounts/ab/<64 hex digits>, in no particular order; an error of fn
 * ends it. Files with other names are passed over. IO.
 */
enum cb_err cb_records_each(const char *repo, cb_record_fn fn, void *ctx, struct cb_error *e);

#endif
