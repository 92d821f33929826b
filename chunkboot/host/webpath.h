/* SPDX-License-Identifier: MIT */
/* What a request asks for: the path below the repository, and the byte range. */
#ifndef CB_HOST_WEBPATH_H
#define CB_HOST_WEBPATH_H

#include <stdbool.h>
#include <stdint.h>

#define CB_WEBPATH_MAX 1023 /* characters of a decoded path */

enum cb_webpath {
	CB_WEBPATH_OK,
	CB_WEBPATH_HIDDEN, /* never served: empty, ".", "..", dot files, temporary files */
	CB_WEBPATH_MALFORMED, /* bad escape, control character, encoded slash, too long */
};

/*
 * Decodes the raw path of a request ("/metadata/root.json", percent escapes, without query) into a
 * relative path. `out` is untouched except for OK.
 */
enum cb_webpath cb_webpath_decode(const char *raw, char out[CB_WEBPATH_MAX + 1]);

/* True when the content of a repository file never changes under this name (DESIGN §5.1). */
bool cb_webpath_is_immutable(const char *path);

enum cb_webrange {
	CB_WEBRANGE_WHOLE, /* no, several, or malformed ranges: RFC 9110 §14.2 says ignore */
	CB_WEBRANGE_PART,
	CB_WEBRANGE_UNSATISFIABLE,
};

/* Reads a Range header's value (NULL: none) for a file of `len` bytes; PART sets first and n. */
enum cb_webrange cb_webrange_parse(const char *value, uint64_t len, uint64_t *ret_first,
				   uint64_t *ret_n);

/* Does the If-None-Match value name `etag` (weak comparison, RFC 9110 §13.1.2)? NULL: no. */
bool cb_webetag_matches(const char *value, const char *etag);

#endif
