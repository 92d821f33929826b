/* SPDX-License-Identifier: MIT */
/* A directory for one test, which goes away with all that is in it. */
#ifndef CB_TESTS_UNIT_TEMPDIR_H
#define CB_TESTS_UNIT_TEMPDIR_H

#include <stddef.h>

#include "core/bytes.h"

#define TEMPDIR_PATH_MAX 512

/* Below $CB_TEST_TMP, else $TMPDIR, else /tmp. Fails the test when it cannot be made. */
void tempdir_make(char out[TEMPDIR_PATH_MAX]);
void tempdir_remove(const char *path);
/* Fails the test when the file cannot be written. */
void tempdir_write(const char *dir, const char *name, struct cb_bytes content);

#endif
