/* SPDX-License-Identifier: MIT */
/* LINK: -lssl */
/* TLS streams against OpenSSL servers: what must work, and what every failure must look like. */
#include <string.h>

#include "core/tls_internal.h"
#include "tls_pipe.h"

#define URL "https://boot.example/"

static void test_suites_and_keys(void **state)
{
	static const struct {
		const char *suite;
		enum tls_key key;
	} cases[] = {
		{ "ECDHE-ECDSA-AES128-GCM-SHA256", KEY_P256 },
		{ "ECDHE-ECDSA-AES256-GCM-SHA384", KEY_P384 },
		{ "ECDHE-ECDSA-CHACHA20-POLY1305", KEY_P256 },
		{ "ECDHE-RSA-AES128-GCM-SHA256", KEY_RSA2048 },
		{ "ECDHE-RSA-AES256-GCM-SHA384", KEY_RSA2048 },
		{ "ECDHE-RSA-CHACHA20-POLY1305", KEY_RSA2048 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tls_pipe p;
		if (strstr(cases[i].suite, "AES") && !br_aes_x86ni_ctr_get_vtable())
			continue;
		tls_pipe_init(&p);
		tls_pipe_serve_spec(&p, &(struct tls_spec){ .key = cases[i].key });
		assert_int_equal(SSL_CTX_set_cipher_list(p.server, cases[i].suite), 1);
		assert_int_equal(tls_pipe_fetch(&p, URL), CB_OK);
		assert_string_equal(p.sni, "boot.example");
		tls_pipe_done(&p);
	}
}

static void test_curves_and_authorities(void **state)
{
	static const char *const curves[] = { "X25519", "P-256", "P-384" };
	static const enum tls_key authorities[] = { KEY_CA, KEY_P384, KEY_RSA2048 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct tls_pipe p;
		tls_pipe_init(&p);
		X509 *x = tls_cert(&(struct tls_spec){ .md = i == 1 ? "SHA384" : "SHA512" },
				   tls_key(authorities[i]));
		tls_pipe_serve(&p, &x, 1, tls_key(KEY_P256));
		X509_free(x);
		tls_pipe_trust_ca(&p, authorities[i]);
		assert_int_equal(SSL_CTX_set1_groups_list(p.server, curves[i]), 1);
		assert_int_equal(tls_pipe_fetch(&p, URL), CB_OK);
		tls_pipe_done(&p);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *url, *names;
	} cases[] = {
		{ "https://192.0.2.1/", "IP:192.0.2.1" },
		{ "https://[2001:db8::7]:444/", "DNS:x, IP:2001:db8::7" },
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct tls_pipe p;
		tls_pipe_init(&p);
		tls_pipe_serve_spec(&p, &(struct tls_spec){ .names = cases[i].names });
		assert_int_equal(tls_pipe_fetch(&p, cases[i].url), CB_OK);
		assert_string_equal(p.sni, ""); /* addresses are not told */
		tls_pipe_done(&p);
	}
}

/* A right pin stands for authority and name, even of a certificate that signed itself. */
static void test_pin(void **state)
{
	struct tls_pipe p;
	X509 *x =
		tls_cert(&(struct tls_spec){ .issuer = "server", .names = "" }, tls_key(KEY_P256));

	(void)state;
	tls_pipe_init(&p);
	tls_pipe_serve(&p, &x, 1, tls_key(KEY_P256));
	X509_free(x);
	p.trust.n_anchors = 0;
	p.trust.n_pins = 2;
	tls_pin(tls_key(KEY_P256), p.trust.pins[1]);
	assert_int_equal(tls_pipe_fetch(&p, URL), CB_OK);
	assert_int_equal(tls_pipe_fetch(&p, "https://192.0.2.1/"), CB_OK);
	tls_pipe_done(&p);
}

static void test_byte_by_byte_and_intermediate(void **state)
{
	const struct tls_spec middle = { .subject = "middle",
					 .key = KEY_MIDDLE,
					 .names = "",
					 .basic = "critical,CA:TRUE,pathlen:0" };
	const struct tls_spec leaf = { .issuer = "middle", .purposes = "serverAuth" };
	struct tls_pipe p;
	X509 *chain[2] = { tls_cert(&leaf, tls_key(KEY_MIDDLE)),
			   tls_cert(&middle, tls_key(KEY_CA)) };

	(void)state;
	tls_pipe_init(&p);
	tls_pipe_serve(&p, chain, 2, tls_key(KEY_P256));
	p.piece = 1;
	assert_int_equal(tls_pipe_fetch(&p, URL), CB_OK);
	X509_free(chain[0]);
	X509_free(chain[1]);
	tls_pipe_done(&p);
}

/* Not even to the same place: what was asked for in private is not asked for in the clear. */
static void test_no_redirect_to_http(void **state)
{
	static const char *const locations[] = { "http://boot.example/object",
						 "http://boot.example:443/object",
						 "http://elsewhere.example/object" };

	(void)state;
	for (size_t i = 0; i < sizeof locations / sizeof locations[0]; i++) {
		struct tls_pipe p;
		tls_pipe_init(&p);
		tls_pipe_serve_spec(&p, &(struct tls_spec){ 0 });
		p.location = locations[i];
		assert_int_equal(tls_pipe_fetch(&p, URL), CB_HTTP_REDIRECT);
		assert_int_equal(p.n_plain, 0);
		tls_pipe_done(&p);
	}
}

/*
 * The pipe has no latency: whenever the engine says that it has nothing to do, bytes wait somewhere
 * that it should have known of. Records may be short, and what arrives cut anywhere.
 */
static void test_no_wait_while_bytes_wait(void **state)
{
	static const size_t pieces[] = { 0, 1, 5, 1460, 4096 };
	static const long records[] = { 512, 4096, 16384 };

	(void)state;
	for (unsigned i = 0; i < 15; i++) {
		struct tls_pipe p;
		tls_pipe_init(&p);
		tls_pipe_serve_spec(&p, &(struct tls_spec){ 0 });
		assert_int_equal(SSL_CTX_set_max_send_fragment(p.server, records[i % 3]), 1);
		p.piece = pieces[i / 3];
		uint64_t start_ms = p.now_ms;
		assert_int_equal(tls_pipe_fetch(&p, URL), CB_OK);
		assert_int_equal(p.now_ms, start_ms);
		/* a step takes in a record, however many pieces it came in */
		assert_true(p.n_steps <= TLS_PIPE_BODY / (size_t)records[i % 3] + 8);
		tls_pipe_done(&p);
	}
}

static void test_plain_passes_through(void **state)
{
	struct tls_pipe p;

	(void)state;
	tls_pipe_init(&p);
	p.is_plain = true;
	p.has_no_random = true;
	assert_int_equal(tls_pipe_fetch(&p, "http://boot.example/"), CB_OK);
	tls_pipe_done(&p);
}

/* A body that ends with the connection: only where the server says that it has ended. */
static void test_end(void **state)
{
	struct tls_pipe p;

	(void)state;
	tls_pipe_init(&p);
	tls_pipe_serve_spec(&p, &(struct tls_spec){ 0 });
	p.has_no_length = true;
	assert_int_equal(tls_pipe_fetch(&p, URL), CB_OK);
	p.ends_dirty = true;
	assert_int_equal(tls_pipe_fetch(&p, URL), CB_NET_CLOSED);
	p.has_no_length = false;
	assert_int_equal(tls_pipe_fetch(&p, URL), CB_OK);
	tls_pipe_done(&p);
}

static void test_no_entropy(void **state)
{
	struct tls_pipe p;

	(void)state;
	tls_pipe_init(&p);
	tls_pipe_serve_spec(&p, &(struct tls_spec){ 0 });
	p.has_no_random = true;
	assert_int_equal(tls_pipe_fetch(&p, URL), CB_ENTROPY);
	assert_int_equal(p.n_opened, 0);
	tls_pipe_done(&p);
}

/* Whatever allocation fails: it works all the same, or says so; nothing leaks. */
static void test_every_allocation(void **state)
{
	unsigned n = 0, n_refused = 0;
	bool has_failed = true;

	(void)state;
	while (has_failed) {
		struct tls_pipe p;
		tls_pipe_init(&p);
		tls_pipe_serve_spec(&p, &(struct tls_spec){ 0 });
		testport_fail_at(&p.tp, ++n);
		enum cb_err err = tls_pipe_fetch(&p, URL);
		assert_true(err == CB_OK || err == CB_NO_MEMORY);
		n_refused += err != CB_OK;
		has_failed = p.tp.n_failed > 0;
		tls_pipe_done(&p);
	}
	assert_true(n > 7 && n_refused > 3);
}

static void test_literals(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "192.0.2.1", "c0000201" },
		{ "0.0.0.0", "00000000" },
		{ "::", "00000000000000000000000000000000" },
		{ "::1", "00000000000000000000000000000001" },
		{ "fe80::", "fe800000000000000000000000000000" },
		{ "1:2:3:4:5:6:7:8", "00010002000300040005000600070008" },
		{ "2001:db8::a:b", "20010db80000000000000000000a000b" },
		{ "::ffff:192.0.2.1", "00000000000000000000ffffc0000201" },
		{ "1:2:3:4:5:6:192.0.2.1", "000100020003000400050006c0000201" },
		{ "192.0.2", "" },
		{ "192.0.2.1.", "" },
		{ "192.0.2.256", "" },
		{ "192.0.2.0001", "" },
		{ "1.2.3.4.5", "" },
		{ "boot.example", "" },
		{ "", "" },
		{ ":", "" },
		{ ":1", "" },
		{ "1:", "" },
		{ "1:::2", "" },
		{ "1::2::3", "" },
		{ "12345::", "" },
		{ "1:2:3:4:5:6:7", "" },
		{ "1:2:3:4:5:6:7:8:9", "" },
		{ "1:2:3:4:5:6:7::8", "" },
		{ "1:2:3:4:5:6:7:192.0.2.1", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t want[16], got[16];
		size_t len = testport_hex(cases[i].hex, want, sizeof want);
		assert_int_equal(cb_tls_address(cases[i].text, got), len);
		assert_memory_equal(got, want, len);
	}
}

static void test_anchors(void **state)
{
	uint8_t bytes[CB_TLS_ANCHOR_MAX + 1], copy[CB_TLS_ANCHOR_MAX + 1];
	static const enum tls_key keys[] = { KEY_CA, KEY_P384, KEY_RSA2048 };
	br_x509_trust_anchor anchor;

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		size_t len = tls_anchor(keys[k], bytes);
		assert_true(cb_tls_anchor_parse((struct cb_bytes){ bytes, len }, &anchor));
		assert_int_equal(cb_tls_anchor_write(&anchor, copy), len);
		assert_memory_equal(bytes, copy, len);
		for (size_t n = 0; n < len; n++)
			assert_false(cb_tls_anchor_parse((struct cb_bytes){ bytes, n }, &anchor));
		assert_false(cb_tls_anchor_parse((struct cb_bytes){ bytes, len + 1 }, &anchor));
		for (size_t n = 0; n < 8; n++) { /* kind, zero and each length */
			copy[n] ^= n == 0 ? 4 : 1;
			assert_false(cb_tls_anchor_parse((struct cb_bytes){ copy, len }, &anchor));
			copy[n] = bytes[n];
		}
	}
}

/* A server's key that leads to a known secret is refused (RFC 8422 §5.11). */
static void test_bad_point(void **state)
{
	uint8_t point[32] = { 0 }, key[32] = { 0x11, 0x22 };

	(void)state;
	assert_int_equal(cb_tls_ec.mul(point, 32, key, 32, BR_EC_curve25519), 0);
	memset(point, 0, 32);
	point[0] = 9;
	assert_int_equal(cb_tls_ec.mul(point, 32, key, 32, BR_EC_curve25519), 1);
}

static int done(void **state)
{
	(void)state;
	tls_certs_done();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suites_and_keys),
		cmocka_unit_test(test_curves_and_authorities),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_byte_by_byte_and_intermediate),
		cmocka_unit_test(test_no_redirect_to_http),
		cmocka_unit_test(test_no_wait_while_bytes_wait),
		cmocka_unit_test(test_plain_passes_through),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_no_entropy),
		cmocka_unit_test(test_every_allocation),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_bad_point),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
