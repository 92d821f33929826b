/* SPDX-License-Identifier: MIT */
/* Fuzzes the newc reader and normaliser: nothing but headers changes, and twice is once. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/newc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void *fuzz_alloc(void *ctx, size_t len)
{
	(void)ctx;
	return malloc(len);
}

static void fuzz_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static const struct cb_mem mem = { .alloc = fuzz_alloc, .free = fuzz_free };

static bool is_time_right(const struct cb_newc_entry *before, const struct cb_newc_entry *after,
			  bool is_cleared)
{
	bool is_dir = (before->mode & 0170000) == 0040000;
	return after->mtime == (is_cleared && is_dir ? 0 : before->mtime);
}

/* Both archives entry by entry: the same names, data and kept fields. */
static void compare(const uint8_t *before, const uint8_t *after, size_t len, bool times_are_cleared)
{
	struct cb_newc_reader a = { .archive = { before, len } };
	struct cb_newc_reader b = { .archive = { after, len } };
	for (;;) {
		struct cb_newc_entry x, y;
		bool is_end_a, is_end_b;
		if (cb_newc_next(&a, &x, &is_end_a) != CB_OK ||
		    cb_newc_next(&b, &y, &is_end_b) != CB_OK || is_end_a != is_end_b)
			abort();
		if (is_end_a)
			return;
		if (!cb_bytes_equal(x.name, y.name) || !cb_bytes_equal(x.data, y.data) ||
		    x.header_at != y.header_at || x.mode != y.mode ||
		    !is_time_right(&x, &y, times_are_cleared))
			abort();
		if (y.dev_major != 0 || y.dev_minor != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *once = malloc(len + 1), *twice = malloc(len + 1);
	if (once && twice) {
		memcpy(once, data, len);
		if (cb_newc_normalise(&mem, once, len) == CB_OK) {
			compare(data, once, len, /*times_are_cleared=*/false);
			memcpy(twice, once, len);
			if (cb_newc_normalise(&mem, twice, len) != CB_OK ||
			    memcmp(once, twice, len) != 0)
				abort();
			if (cb_newc_clear_directory_times(twice, len) != CB_OK)
				abort();
			compare(once, twice, len, /*times_are_cleared=*/true);
		} else if (memcmp(once, data, len) != 0) {
			abort();
		}
	}
	free(once);
	free(twice);
	return 0;
}
