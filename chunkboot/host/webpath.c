/* SPDX-License-Identifier: MIT */
/* Request paths, ranges and entity tags, as pure functions of the header text. */
#include "host/webpath.h"

#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One character of the path; an encoded slash could hide a path component. */
static bool decode_char(const char **p, char *ret)
{
	char c = *(*p)++;
	if (c == '%') {
		int high = hex_value((*p)[0]);
		int low = high < 0 ? -1 : hex_value((*p)[1]);
		if (low < 0)
			return false;
		*p += 2;
		c = (char)(high << 4 | low);
		if (c == '/')
			return false;
	}
	if ((unsigned char)c < 0x20 || c == 0x7f || c == '\\')
		return false;
	*ret = c;
	return true;
}

/* Dot files (the lock among them) and files that are just being written. */
static bool is_hidden(const char *path)
{
	for (const char *part = path; part != NULL;) {
		if (*part == '.' || *part == '/' || *part == '\0')
			return true;
		part = strchr(part, '/');
		if (part != NULL)
			part++;
	}
	return strstr(path, ".tmp-") != NULL;
}

enum cb_webpath cb_webpath_decode(const char *raw, char out[CB_WEBPATH_MAX + 1])
{
	char path[CB_WEBPATH_MAX + 1];
	size_t len = 0;
	if (*raw++ != '/')
		return CB_WEBPATH_MALFORMED;
	while (*raw != '\0') {
		if (len == CB_WEBPATH_MAX || !decode_char(&raw, &path[len]))
			return CB_WEBPATH_MALFORMED;
		len++;
	}
	path[len] = '\0';
	if (is_hidden(path))
		return CB_WEBPATH_HIDDEN;
	memcpy(out, path, len + 1);
	return CB_WEBPATH_OK;
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool cb_webpath_is_immutable(const char *path)
{
	static const char *const rooms[] = { "manifests/", "store.castr/", "sealed/", "indexes/" };
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
		if (starts_with(path, rooms[i]))
			return true;
	/* metadata/N.role.json; the names without number are the mutable ones */
	if (!starts_with(path, "metadata/"))
		return false;
	char c = path[strlen("metadata/")];
	return c >= '1' && c <= '9';
}

/* Decimal digits; false when there are none or too many. */
static bool parse_number(const char **p, uint64_t *ret)
{
	const char *start = *p;
	uint64_t v = 0;
	while (**p >= '0' && **p <= '9' && *p - start < 19)
		v = v * 10 + (uint64_t)(*(*p)++ - '0');
	if (*p == start || (**p >= '0' && **p <= '9'))
		return false;
	*ret = v;
	return true;
}

enum cb_webrange cb_webrange_parse(const char *value, uint64_t len, uint64_t *ret_first,
				   uint64_t *ret_n)
{
	uint64_t first = 0, last = UINT64_MAX;
	if (value == NULL || !starts_with(value, "bytes="))
		return CB_WEBRANGE_WHOLE;
	const char *p = value + strlen("bytes=");
	bool has_first = *p != '-';
	if (has_first && !parse_number(&p, &first))
		return CB_WEBRANGE_WHOLE;
	if (*p++ != '-')
		return CB_WEBRANGE_WHOLE;
	if ((!has_first || *p != '\0') && !parse_number(&p, &last))
		return CB_WEBRANGE_WHOLE;
	if (*p != '\0' || (has_first && last < first))
		return CB_WEBRANGE_WHOLE;
	if (!has_first) { /* the last `last` bytes */
		if (last == 0 || len == 0)
			return CB_WEBRANGE_UNSATISFIABLE;
		first = last < len ? len - last : 0;
		last = len - 1;
	}
	if (first >= len)
		return CB_WEBRANGE_UNSATISFIABLE;
	if (last >= len)
		last = len - 1;
	*ret_first = first;
	*ret_n = last - first + 1;
	return CB_WEBRANGE_PART;
}

bool cb_webetag_matches(const char *value, const char *etag)
{
	size_t len = strlen(etag);
	if (value == NULL)
		return false;
	for (const char *p = value; *p != '\0';) {
		p += strspn(p, " \t,");
		if (*p == '*')
			return true;
		if (starts_with(p, "W/"))
			p += 2;
		if (strncmp(p, etag, len) == 0 && strchr(" \t,", p[len]) != NULL)
			return true;
		p += strcspn(p, ",");
	}
	return false;
}
