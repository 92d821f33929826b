/* SPDX-License-Identifier: MIT */
/* URLs: what is let in, what is not, joining and redirects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/url.h"

/* "http host port path" of a URL, or the name of the error. */
static const char *show(enum cb_err err, const struct cb_url *url)
{
	static char text[1024];

	if (err != CB_OK)
		return cb_err_info(err)->name;
	snprintf(text, sizeof text, "%s %s %u %s", url->endpoint.is_tls ? "https" : "http",
		 url->endpoint.host, (unsigned)url->endpoint.port, url->path);
	return text;
}

static void test_parse(void **state)
{
	static const struct {
		const char *url, *want;
	} cases[] = {
		{ "http://a", "http a 80 /" },
		{ "http://a/", "http a 80 /" },
		{ "HTTP://Boot.Example.ORG/Path", "http boot.example.org 80 /Path" },
		{ "https://a/b?c=d", "https a 443 /b?c=d" },
		{ "http://a?x", "http a 80 /?x" },
		{ "http://a:1/", "http a 1 /" },
		{ "http://a:65535", "http a 65535 /" },
		{ "http://a:00080/", "http a 80 /" },
		{ "http://10.0.2.2:8080/repo/", "http 10.0.2.2 8080 /repo/" },
		{ "http://[fe80::1]/x", "http fe80::1 80 /x" },
		{ "http://[2001:DB8::1]:81/x", "http 2001:db8::1 81 /x" },
		{ "http://[::ffff:1.2.3.4]/", "http ::ffff:1.2.3.4 80 /" },
		{ "http://a_b-c.d/%41%00~!$&'()*+,;=:@/",
		  "http a_b-c.d 80 /%41%00~!$&'()*+,;=:@/" },
		{ "", "URL_FORMAT" },
		{ "http", "URL_FORMAT" },
		{ "http:", "URL_FORMAT" },
		{ "http://", "URL_FORMAT" },
		{ "http:///x", "URL_FORMAT" },
		{ "http://:80/", "URL_FORMAT" },
		{ "http:/a/", "URL_FORMAT" },
		{ "ftp://a/", "URL_FORMAT" },
		{ "//a/", "URL_FORMAT" },
		{ "/a", "URL_FORMAT" },
		{ " http://a/", "URL_FORMAT" },
		{ "http://a/ ", "URL_FORMAT" },
		{ "http://a b/", "URL_FORMAT" },
		{ "http://a/b c", "URL_FORMAT" },
		{ "http://a/\r\nX: y", "URL_FORMAT" },
		{ "http://a/\t", "URL_FORMAT" },
		{ "http://a/\x7f", "URL_FORMAT" },
		{ "http://a/\xc3\xa4", "URL_FORMAT" },
		{ "http://\xc3\xa4/", "URL_FORMAT" },
		{ "http://user@a/", "URL_FORMAT" },
		{ "http://user:pw@a/", "URL_FORMAT" },
		{ "http://a/#f", "URL_FORMAT" },
		{ "http://a#f", "URL_FORMAT" },
		{ "http://a:/", "URL_FORMAT" },
		{ "http://a:0/", "URL_FORMAT" },
		{ "http://a:65536/", "URL_FORMAT" },
		{ "http://a:123456/", "URL_FORMAT" },
		{ "http://a:-1/", "URL_FORMAT" },
		{ "http://a:8x/", "URL_FORMAT" },
		{ "http://a:80:80/", "URL_FORMAT" },
		{ "http://[]/", "URL_FORMAT" },
		{ "http://[1.2.3.4]/", "URL_FORMAT" },
		{ "http://[::1/", "URL_FORMAT" },
		{ "http://[::1]x/", "URL_FORMAT" },
		{ "http://[::g]/", "URL_FORMAT" },
		{ "http://[fe80::1%25eth0]/", "URL_FORMAT" },
		{ "http://::1/", "URL_FORMAT" },
		{ "http://a%41/", "URL_FORMAT" },
		{ "http://a\\b/", "URL_FORMAT" },
		{ "http://a/<b>", "URL_FORMAT" },
		{ "http://a/\"", "URL_FORMAT" },
		{ "http://a/{b}", "URL_FORMAT" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cb_url url;
		enum cb_err err = cb_url_parse(cb_bytes_of(cases[i].url), &url);
		assert_string_equal(show(err, &url), cases[i].want);
	}
}

static void test_null_bytes(void **state)
{
	static const uint8_t with_nul[] = "http://a\0b/";
	struct cb_url url;

	(void)state;
	assert_int_equal(cb_url_parse((struct cb_bytes){ NULL, 0 }, &url), CB_URL_FORMAT);
	assert_int_equal(cb_url_parse((struct cb_bytes){ with_nul, sizeof with_nul - 1 }, &url),
			 CB_URL_FORMAT);
	static const uint8_t in_path[] = "http://a/\0";
	assert_int_equal(cb_url_parse((struct cb_bytes){ in_path, sizeof in_path - 1 }, &url),
			 CB_URL_FORMAT);
}

/* A URL of 7 + n_host + 1 + n_path characters. */
static struct cb_bytes long_url(size_t n_host, size_t n_path)
{
	static char text[2048];

	memset(text, 0, sizeof text);
	memcpy(text, "http://", 7);
	memset(text + 7, 'h', n_host);
	text[7 + n_host] = '/';
	memset(text + 8 + n_host, 'p', n_path);
	return cb_bytes_of(text);
}

static void test_limits(void **state)
{
	struct cb_url url, untouched;

	(void)state;
	assert_int_equal(cb_url_parse(long_url(CB_HOST_MAX, 100), &url), CB_OK);
	assert_int_equal(strlen(url.endpoint.host), CB_HOST_MAX);
	assert_int_equal(cb_url_parse(long_url(CB_HOST_MAX + 1, 1), &url), CB_URL_FORMAT);
	assert_int_equal(cb_url_parse(long_url(1, CB_URL_PATH_MAX - 1), &url), CB_OK);
	assert_int_equal(strlen(url.path), CB_URL_PATH_MAX);
	memset(&untouched, 0x55, sizeof untouched);
	url = untouched;
	assert_int_equal(cb_url_parse(long_url(1, CB_URL_PATH_MAX), &url), CB_URL_FORMAT);
	assert_memory_equal(&url, &untouched, sizeof url);
	assert_int_equal(cb_url_parse(long_url(200, CB_URL_MAX - 208), &url), CB_OK);
	assert_int_equal(cb_url_parse(long_url(200, CB_URL_MAX - 207), &url), CB_URL_FORMAT);
	/* The base's slash needs room, too. */
	assert_int_equal(cb_url_parse_base(long_url(1, CB_URL_PATH_MAX - 2), &url), CB_OK);
	assert_int_equal(strlen(url.path), CB_URL_PATH_MAX);
	assert_int_equal(cb_url_parse_base(long_url(1, CB_URL_PATH_MAX - 1), &url), CB_URL_FORMAT);
}

static void test_base(void **state)
{
	static const struct {
		const char *url, *want;
	} cases[] = {
		{ "http://a", "http a 80 /" },
		{ "http://a/r", "http a 80 /r/" },
		{ "http://a/r/", "http a 80 /r/" },
		{ "http://a/r?", "URL_FORMAT" },
		{ "http://a?q", "URL_FORMAT" },
		{ "http://a/r#f", "URL_FORMAT" },
		{ "https://a:8443/r", "https a 8443 /r/" },
		{ "x", "URL_FORMAT" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cb_url url;
		enum cb_err err = cb_url_parse_base(cb_bytes_of(cases[i].url), &url);
		assert_string_equal(show(err, &url), cases[i].want);
	}
}

static void test_redirect(void **state)
{
	static const struct {
		const char *base, *location, *want;
	} cases[] = {
		{ "http://a/r/x", "http://b/y", "http b 80 /y" },
		{ "http://a/r/x", "https://b/y", "https b 443 /y" },
		{ "http://a:81/r/x", "/y?z", "http a 81 /y?z" },
		{ "https://a/r/x", "/y", "https a 443 /y" },
		{ "https://a/r/x", "https://b/y", "https b 443 /y" },
		{ "https://a/r/x", "http://b/y", "HTTP_REDIRECT" },
		{ "https://a/r/x", "http://a/r/x", "HTTP_REDIRECT" },
		{ "http://a/r/x", "http://b/y#frag", "http b 80 /y" },
		{ "http://a/r/x", "/y#frag", "http a 80 /y" },
		{ "http://a/r/x", "", "HTTP_REDIRECT" },
		{ "http://a/r/x", "#f", "HTTP_REDIRECT" },
		{ "http://a/r/x", "y", "HTTP_REDIRECT" },
		{ "http://a/r/x", "../y", "HTTP_REDIRECT" },
		{ "http://a/r/x", "//b/y", "HTTP_REDIRECT" },
		{ "http://a/r/x", "/y z", "HTTP_REDIRECT" },
		{ "http://a/r/x", "/y\r\nX: 1", "HTTP_REDIRECT" },
		{ "http://a/r/x", "javascript:alert(1)", "HTTP_REDIRECT" },
		{ "http://a/r/x", "file:///etc/passwd", "HTTP_REDIRECT" },
		{ "http://a/r/x", "http://u@b/", "HTTP_REDIRECT" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cb_url base, url;
		assert_int_equal(cb_url_parse(cb_bytes_of(cases[i].base), &base), CB_OK);
		enum cb_err err = cb_url_redirect(&base, cb_bytes_of(cases[i].location), &url);
		assert_string_equal(show(err, &url), cases[i].want);
	}
}

static void test_authority(void **state)
{
	static const struct {
		const char *url, *want;
	} cases[] = {
		{ "http://a/", "a" },
		{ "http://a:80/", "a" },
		{ "https://a:443/", "a" },
		{ "https://a:80/", "a:80" },
		{ "http://a:443/", "a:443" },
		{ "http://a:1/", "a:1" },
		{ "http://a:10/", "a:10" },
		{ "http://a:65535/", "a:65535" },
		{ "http://[::1]/", "[::1]" },
		{ "http://[::1]:8080/", "[::1]:8080" },
		{ "http://10.0.0.1/", "10.0.0.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cb_url url;
		char out[CB_URL_AUTHORITY_MAX + 1];
		assert_int_equal(cb_url_parse(cb_bytes_of(cases[i].url), &url), CB_OK);
		cb_url_authority(&url, out);
		assert_string_equal(out, cases[i].want);
	}
	/* The longest one fits. */
	struct cb_url url = { .endpoint = { .port = 65535 } };
	char out[CB_URL_AUTHORITY_MAX + 1];
	memset(url.endpoint.host, ':', CB_HOST_MAX);
	cb_url_authority(&url, out);
	assert_true(strlen(out) <= CB_URL_AUTHORITY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	 cmocka_unit_test(test_null_bytes),
		cmocka_unit_test(test_limits),	 cmocka_unit_test(test_base),
		cmocka_unit_test(test_redirect), cmocka_unit_test(test_authority),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
