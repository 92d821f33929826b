/* SPDX-License-Identifier: MIT */
/* URL parsing: http and https, host, port, path with query; nothing else is let in. */
#include "core/url.h"

#include <string.h>

#define HTTP_PORT 80
#define HTTPS_PORT 443
#define PORT_MAX 65535u

static uint8_t to_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_char(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
}

static bool is_ipv6_char(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
}

/* Characters of path and query, RFC 3986 §3.3 and §3.4, percent-encoded ones included. */
static bool is_path_char(uint8_t c)
{
	static const char refused[] = "\"#<>\\^`{|}";

	if (c <= ' ' || c >= 0x7f)
		return false;
	for (size_t i = 0; i < sizeof refused - 1; i++)
		if (c == (uint8_t)refused[i])
			return false;
	return true;
}

static struct cb_bytes take(struct cb_bytes *rest, size_t len)
{
	struct cb_bytes head = { rest->p, len };

	rest->p = len > 0 ? rest->p + len : rest->p;
	rest->len -= len;
	return head;
}

static bool starts_with(struct cb_bytes text, const char *lower)
{
	size_t len = strlen(lower);

	if (text.len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (to_lower(text.p[i]) != (uint8_t)lower[i])
			return false;
	return true;
}

/* Index of the first character of text that is one of set, or text.len. */
static size_t find_any(struct cb_bytes text, const char *set)
{
	for (size_t i = 0; i < text.len; i++)
		for (const char *s = set; *s; s++)
			if (text.p[i] == (uint8_t)*s)
				return i;
	return text.len;
}

static bool parse_scheme(struct cb_bytes *rest, struct cb_endpoint *to)
{
	to->is_tls = starts_with(*rest, "https://");
	if (!to->is_tls && !starts_with(*rest, "http://"))
		return false;
	take(rest, to->is_tls ? strlen("https://") : strlen("http://"));
	to->port = to->is_tls ? HTTPS_PORT : HTTP_PORT;
	return true;
}

static bool parse_port(struct cb_bytes digits, uint16_t *ret)
{
	uint32_t port = 0;

	if (digits.len == 0 || digits.len > 5)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (!is_digit(digits.p[i]))
			return false;
		port = port * 10 + (uint32_t)(digits.p[i] - '0');
	}
	if (port == 0 || port > PORT_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

static bool copy_host(struct cb_bytes host, bool (*is_allowed)(uint8_t), struct cb_endpoint *to)
{
	if (host.len == 0 || host.len > CB_HOST_MAX)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		uint8_t c = to_lower(host.p[i]);
		if (!is_allowed(c))
			return false;
		to->host[i] = (char)c;
	}
	to->host[host.len] = '\0';
	return true;
}

/* RFC 3986 §3.2; user information is refused with every other stray character of the host. */
static bool parse_authority(struct cb_bytes rest, struct cb_endpoint *to)
{
	if (rest.len > 0 && rest.p[0] == '[') {
		take(&rest, 1);
		size_t end = find_any(rest, "]");
		struct cb_bytes host = take(&rest, end);
		if (rest.len == 0 || find_any(host, ":") == host.len ||
		    !copy_host(host, is_ipv6_char, to))
			return false;
		take(&rest, 1);
	} else if (!copy_host(take(&rest, find_any(rest, ":")), is_name_char, to)) {
		return false;
	}
	if (rest.len == 0)
		return true;
	if (rest.p[0] != ':')
		return false;
	take(&rest, 1);
	return parse_port(rest, &to->port);
}

static bool copy_path(struct cb_bytes path, struct cb_url *url)
{
	size_t at = 0;

	if (path.len == 0 || path.p[0] != '/')
		url->path[at++] = '/';
	if (path.len > CB_URL_PATH_MAX - at)
		return false;
	for (size_t i = 0; i < path.len; i++) {
		if (!is_path_char(path.p[i]))
			return false;
		url->path[at++] = (char)path.p[i];
	}
	url->path[at] = '\0';
	return true;
}

enum cb_err cb_url_parse(struct cb_bytes text, struct cb_url *ret)
{
	struct cb_url url;

	memset(&url, 0, sizeof url);
	if (text.len > CB_URL_MAX || !parse_scheme(&text, &url.endpoint))
		return CB_URL_FORMAT;
	struct cb_bytes authority = take(&text, find_any(text, "/?#"));
	if (!parse_authority(authority, &url.endpoint) || !copy_path(text, &url))
		return CB_URL_FORMAT;
	*ret = url;
	return CB_OK;
}

enum cb_err cb_url_parse_base(struct cb_bytes text, struct cb_url *ret)
{
	struct cb_url url;
	enum cb_err err = cb_url_parse(text, &url);

	if (err != CB_OK)
		return err;
	size_t len = strlen(url.path);
	if (find_any((struct cb_bytes){ (const uint8_t *)url.path, len }, "?") < len)
		return CB_URL_FORMAT;
	if (url.path[len - 1] != '/') {
		if (len == CB_URL_PATH_MAX)
			return CB_URL_FORMAT;
		url.path[len] = '/';
		url.path[len + 1] = '\0';
	}
	*ret = url;
	return CB_OK;
}

enum cb_err cb_url_redirect(const struct cb_url *base, struct cb_bytes location, struct cb_url *ret)
{
	struct cb_url url;

	/* A fragment is for the reader of a document, not for us (RFC 9110 §10.2.2). */
	location.len = find_any(location, "#");
	if (location.len == 0 || location.len > CB_URL_MAX)
		return CB_HTTP_REDIRECT;
	if (location.p[0] == '/') {
		/* "//host/path" names another host (RFC 3986 §4.2): nobody needs that here. */
		if (location.len > 1 && location.p[1] == '/')
			return CB_HTTP_REDIRECT;
		url = *base;
		if (!copy_path(location, &url))
			return CB_HTTP_REDIRECT;
	} else if (cb_url_parse(location, &url) != CB_OK) {
		return CB_HTTP_REDIRECT;
	}
	if (base->endpoint.is_tls && !url.endpoint.is_tls)
		return CB_HTTP_REDIRECT;
	*ret = url;
	return CB_OK;
}

void cb_url_authority(const struct cb_url *url, char out[CB_URL_AUTHORITY_MAX + 1])
{
	const struct cb_endpoint *to = &url->endpoint;
	size_t len = strlen(to->host), at = 0;
	bool is_ipv6 = find_any((struct cb_bytes){ (const uint8_t *)to->host, len }, ":") < len;
	uint16_t port = to->port;

	if (is_ipv6)
		out[at++] = '[';
	memcpy(out + at, to->host, len);
	at += len;
	if (is_ipv6)
		out[at++] = ']';
	if (port != (to->is_tls ? HTTPS_PORT : HTTP_PORT)) {
		uint32_t scale = 10000;
		while (scale > port)
			scale /= 10;
		out[at++] = ':';
		for (; scale > 0; scale /= 10)
			out[at++] = (char)('0' + port / scale % 10);
	}
	out[at] = '\0';
}
