/* SPDX-License-Identifier: MIT */
/* NAME and NAME@VERSION as people write them. */
#ifndef CB_HOST_IMAGE_NAME_H
#define CB_HOST_IMAGE_NAME_H

#include "core/tuf.h"
#include "host/error.h"

/* [a-z0-9._-]{1,64}, neither "." nor "..": an image's NAME or VERSION. */
bool cb_is_image_name(const char *s);
/* "NAME@VERSION" or "NAME" (version empty then). USAGE. */
enum cb_err cb_parse_image_spec(const char *spec, char name[CB_NAME_MAX + 1],
				char version[CB_NAME_MAX + 1], struct cb_error *e);
/* The error for a malformed one; `what` is "image name" or "version". */
enum cb_err cb_bad_image_name(const char *what, const char *s, struct cb_error *e);

#endif
