/* SPDX-License-Identifier: MIT */
/* Fuzzes URLs and redirects: what is accepted is clean, and says the same when it is put together. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct cb_url *url)
{
	char authority[CB_URL_AUTHORITY_MAX + 1], text[sizeof authority + sizeof url->path + 16];
	struct cb_url back;

	if (url->path[0] != '/' || url->endpoint.host[0] == '\0' || url->endpoint.port == 0)
		abort();
	for (const char *p = url->path; *p; p++)
		if (*p <= ' ' || *p == 0x7f || *p == '#')
			abort();
	cb_url_authority(url, authority);
	snprintf(text, sizeof text, "http%s://%s%s", url->endpoint.is_tls ? "s" : "", authority,
		 url->path);
	if (strlen(text) > CB_URL_MAX)
		return;
	if (cb_url_parse(cb_bytes_of(text), &back) != CB_OK ||
	    strcmp(back.endpoint.host, url->endpoint.host) != 0 ||
	    back.endpoint.port != url->endpoint.port ||
	    back.endpoint.is_tls != url->endpoint.is_tls || strcmp(back.path, url->path) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct cb_bytes in = { data, len };
	struct cb_url url, base;

	if (cb_url_parse(in, &url) == CB_OK)
		check(&url);
	if (cb_url_parse_base(in, &url) == CB_OK)
		check(&url);
	if (cb_url_parse(cb_bytes_of("https://[::1]:8443/a/b?c"), &base) != CB_OK)
		abort();
	if (cb_url_redirect(&base, in, &url) == CB_OK) {
		check(&url);
		if (!url.endpoint.is_tls)
			abort();
	}
	return 0;
}
