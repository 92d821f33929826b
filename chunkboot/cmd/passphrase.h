/* SPDX-License-Identifier: MIT */
/* Reads a passphrase from where --passphrase-file says. */
#ifndef CB_CMD_PASSPHRASE_H
#define CB_CMD_PASSPHRASE_H

#include "core/login.h"
#include "host/error.h"

/*
 * The first line of the file, normalised ("-": standard input; at a terminal it is asked for and
 * not shown). NOT_FOUND, PASSPHRASE_SYNTAX, IO. The caller wipes out.
 */
enum cb_err cb_passphrase_read(const char *path, char out[CB_PASSPHRASE_MAX + 1],
			       struct cb_error *e);

#endif
