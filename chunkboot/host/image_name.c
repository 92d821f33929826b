/* SPDX-License-Identifier: MIT */
/* NAME and NAME@VERSION as people write them. */
#include "host/image_name.h"

#include <stdio.h>
#include <string.h>

bool cb_is_image_name(const char *s)
{
	size_t len = strlen(s);

	return len >= 1 && len <= CB_NAME_MAX && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
		strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

enum cb_err cb_bad_image_name(const char *what, const char *s, struct cb_error *e)
{
	enum cb_err err = cb_fail(e, CB_USAGE, "malformed %s '%.80s'", what, s);

	cb_fail_hint(e, "use 1 to %d characters of a-z 0-9 . _ -", CB_NAME_MAX);
	return err;
}

enum cb_err cb_parse_image_spec(const char *spec, char name[CB_NAME_MAX + 1],
				char version[CB_NAME_MAX + 1], struct cb_error *e)
{
	size_t name_len = strcspn(spec, "@");
	char part[CB_NAME_MAX + 1] = "";

	if (name_len <= CB_NAME_MAX)
		memcpy(part, spec, name_len);
	if (!cb_is_image_name(part))
		return cb_bad_image_name("image name", spec, e);
	if (spec[name_len] == '@' && !cb_is_image_name(spec + name_len + 1))
		return cb_bad_image_name("version", spec + name_len + 1, e);
	snprintf(name, CB_NAME_MAX + 1, "%s", part);
	snprintf(version, CB_NAME_MAX + 1, "%s", spec[name_len] == '@' ? spec + name_len + 1 : "");
	return CB_OK;
}
