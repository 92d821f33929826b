/* SPDX-License-Identifier: MIT */
/* Absolute http(s) URLs (RFC 3986 subset) and joining with repository paths. */
#ifndef CB_CORE_URL_H
#define CB_CORE_URL_H

#include "core/platform.h"

#define CB_URL_MAX 512 /* characters of a URL */
#define CB_URL_PATH_MAX 400

struct cb_url {
	struct cb_endpoint endpoint; /* default port filled in */
	char path[CB_URL_PATH_MAX + 1]; /* starts with '/', may hold a query */
};

/* Refuses user info, fragments, control characters, spaces, empty hosts, ports 0 or > 65535. */
enum cb_err cb_url_parse(struct cb_bytes text, struct cb_url *ret);
/* Parses a mirror's base URL; the path gets a trailing '/', a query is refused. */
enum cb_err cb_url_parse_base(struct cb_bytes text, struct cb_url *ret);
/* Resolves a Location value (absolute URL or absolute path) against base. HTTP_REDIRECT. */
enum cb_err cb_url_redirect(const struct cb_url *base, struct cb_bytes location,
			    struct cb_url *ret);
/* "host" or "host:port" as a Host header wants it (IPv6 in brackets). */
#define CB_URL_AUTHORITY_MAX (CB_HOST_MAX + 9)
void cb_url_authority(const struct cb_url *url, char out[CB_URL_AUTHORITY_MAX + 1]);

#endif
