/* SPDX-License-Identifier: MIT */
/* A directory for one test, which goes away with all that is in it. */
#include "tempdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "testport.h"

void tempdir_make(char out[TEMPDIR_PATH_MAX])
{
	const char *parent = getenv("CB_TEST_TMP");
	if (parent == NULL)
		parent = getenv("TMPDIR");
	snprintf(out, TEMPDIR_PATH_MAX, "%s/cb-unit-XXXXXX", parent == NULL ? "/tmp" : parent);
	assert_non_null(mkdtemp(out));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void tempdir_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void tempdir_write(const char *dir, const char *name, struct cb_bytes content)
{
	char path[TEMPDIR_PATH_MAX + 256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(content.p, 1, content.len, file), content.len);
	assert_int_equal(fclose(file), 0);
}
