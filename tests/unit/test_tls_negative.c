/* SPDX-License-Identifier: MIT */
/* LINK: -lssl */
/* Handshakes out of order, bad parameters and bad records: a relay changes what a server says. */
#include <stdio.h>
#include <string.h>

#include "tls_pipe.h"

#define URL "https://boot.example/"

struct negative {
	const char *what;
	struct tls_edit edit;
	enum cb_err want; /* CB_OK stands for NET_TLS */
};

/* Whole records in the clear. */
#define HELLO_REQUEST "16 0303 0004 00000000"
#define CLIENT_HELLO "16 0303 0004 01000000"
#define NEW_TICKET "16 0303 000a 04000006 000000000000"
#define CERT_STATUS "16 0303 0008 16000004 01000000"
#define CERT_REQUEST "16 0303 000b 0d000007 0140 0002 0403 0000"
#define FINISH "16 0303 0010 1400000c 000102030405060708090a0b"
#define CIPHER "14 0303 0001 01"
#define DATA "17 0303 0003 616263"
#define WARNING "15 0303 0002 015a"
#define FATAL "15 0303 0002 0228"
#define NOTIFY "15 0303 0002 0100"

#define STALL CB_NET_CONNECT /* nothing more comes: the connection is given up in time */

static const struct negative order[] = {
	{ .what = "no ServerHello", .edit = { .kind = EDIT_DROP, .record = SERVER_HELLO } },
	{ .what = "no Certificate", .edit = { .kind = EDIT_DROP, .record = CERTIFICATE } },
	{ .what = "no ServerKeyExchange", .edit = { .kind = EDIT_DROP, .record = KEY_EXCHANGE } },
	{ .what = "no ServerHelloDone",
	  .edit = { .kind = EDIT_DROP, .record = HELLO_DONE },
	  .want = STALL },
	{ .what = "no ChangeCipherSpec", .edit = { .kind = EDIT_DROP, .record = CHANGE_CIPHER } },
	{ .what = "no Finished", .edit = { .kind = EDIT_DROP, .record = FINISHED }, .want = STALL },
	{ .what = "two ServerHellos", .edit = { .kind = EDIT_TWICE, .record = SERVER_HELLO } },
	{ .what = "two Certificates", .edit = { .kind = EDIT_TWICE, .record = CERTIFICATE } },
	{ .what = "two ServerKeyExchanges",
	  .edit = { .kind = EDIT_TWICE, .record = KEY_EXCHANGE } },
	{ .what = "two ServerHelloDones", .edit = { .kind = EDIT_TWICE, .record = HELLO_DONE } },
	{ .what = "two ChangeCipherSpecs",
	  .edit = { .kind = EDIT_TWICE, .record = CHANGE_CIPHER } },
	{ .what = "two Finisheds", .edit = { .kind = EDIT_TWICE, .record = FINISHED } },
	{ .what = "ServerHello second", .edit = { .kind = EDIT_SWAP, .record = SERVER_HELLO } },
	{ .what = "Certificate late", .edit = { .kind = EDIT_SWAP, .record = CERTIFICATE } },
	{ .what = "ServerKeyExchange late", .edit = { .kind = EDIT_SWAP, .record = KEY_EXCHANGE } },
	{ .what = "ServerHelloDone late",
	  .edit = { .kind = EDIT_SWAP, .record = HELLO_DONE },
	  .want = STALL },
	{ .what = "ChangeCipherSpec late", .edit = { .kind = EDIT_SWAP, .record = CHANGE_CIPHER } },
	{ .what = "Finished first",
	  .edit = { .kind = EDIT_BEFORE, .record = SERVER_HELLO, .hex = FINISH } },
	{ .what = "Finished before Certificate",
	  .edit = { .kind = EDIT_BEFORE, .record = CERTIFICATE, .hex = FINISH } },
	{ .what = "Finished before ServerKeyExchange",
	  .edit = { .kind = EDIT_BEFORE, .record = KEY_EXCHANGE, .hex = FINISH } },
	{ .what = "Finished before ServerHelloDone",
	  .edit = { .kind = EDIT_BEFORE, .record = HELLO_DONE, .hex = FINISH } },
	{ .what = "Finished in the clear",
	  .edit = { .kind = EDIT_BEFORE, .record = CHANGE_CIPHER, .hex = FINISH } },
	{ .what = "Finished in the clear instead",
	  .edit = { .kind = EDIT_INSTEAD, .record = FINISHED, .hex = FINISH } },
	{ .what = "data first",
	  .edit = { .kind = EDIT_BEFORE, .record = SERVER_HELLO, .hex = DATA } },
	{ .what = "data before Certificate",
	  .edit = { .kind = EDIT_BEFORE, .record = CERTIFICATE, .hex = DATA } },
	{ .what = "data before ServerKeyExchange",
	  .edit = { .kind = EDIT_BEFORE, .record = KEY_EXCHANGE, .hex = DATA } },
	{ .what = "data before ServerHelloDone",
	  .edit = { .kind = EDIT_BEFORE, .record = HELLO_DONE, .hex = DATA } },
	{ .what = "data before ChangeCipherSpec",
	  .edit = { .kind = EDIT_BEFORE, .record = CHANGE_CIPHER, .hex = DATA } },
	{ .what = "data before Finished",
	  .edit = { .kind = EDIT_BEFORE, .record = FINISHED, .hex = DATA } },
	{ .what = "ChangeCipherSpec first",
	  .edit = { .kind = EDIT_BEFORE, .record = SERVER_HELLO, .hex = CIPHER } },
	{ .what = "ChangeCipherSpec before Certificate",
	  .edit = { .kind = EDIT_BEFORE, .record = CERTIFICATE, .hex = CIPHER } },
	{ .what = "ChangeCipherSpec before keys",
	  .edit = { .kind = EDIT_BEFORE, .record = KEY_EXCHANGE, .hex = CIPHER } },
	{ .what = "ChangeCipherSpec before ServerHelloDone",
	  .edit = { .kind = EDIT_BEFORE, .record = HELLO_DONE, .hex = CIPHER } },
	{ .what = "ClientHello from the server",
	  .edit = { .kind = EDIT_BEFORE, .record = SERVER_HELLO, .hex = CLIENT_HELLO } },
	{ .what = "ClientHello in the middle",
	  .edit = { .kind = EDIT_BEFORE, .record = HELLO_DONE, .hex = CLIENT_HELLO } },
	{ .what = "ticket that nobody wanted",
	  .edit = { .kind = EDIT_BEFORE, .record = CHANGE_CIPHER, .hex = NEW_TICKET } },
	{ .what = "status that nobody wanted",
	  .edit = { .kind = EDIT_BEFORE, .record = KEY_EXCHANGE, .hex = CERT_STATUS } },
	{ .what = "CertificateRequest too early",
	  .edit = { .kind = EDIT_BEFORE, .record = CERTIFICATE, .hex = CERT_REQUEST } },
	{ .what = "CertificateRequest put in",
	  .edit = { .kind = EDIT_BEFORE, .record = HELLO_DONE, .hex = CERT_REQUEST } },
	{ .what = "message of unknown kind",
	  .edit = { .kind = EDIT_BEFORE, .record = CERTIFICATE, .hex = "16 0303 0004 63000000" } },
	{ .what = "record of unknown kind",
	  .edit = { .kind = EDIT_BEFORE, .record = KEY_EXCHANGE, .hex = "63 0303 0001 00" } },
	{ .what = "fatal alert at once",
	  .edit = { .kind = EDIT_BEFORE, .record = SERVER_HELLO, .hex = FATAL } },
	{ .what = "fatal alert in the middle",
	  .edit = { .kind = EDIT_BEFORE, .record = KEY_EXCHANGE, .hex = FATAL } },
	{ .what = "fatal alert before Finished",
	  .edit = { .kind = EDIT_BEFORE, .record = CHANGE_CIPHER, .hex = FATAL } },
	{ .what = "close_notify in the middle",
	  .edit = { .kind = EDIT_BEFORE, .record = KEY_EXCHANGE, .hex = NOTIFY } },
	{ .what = "end after ServerHello",
	  .edit = { .kind = EDIT_CUT, .record = CERTIFICATE, .at = 0 } },
	{ .what = "end in the Certificate",
	  .edit = { .kind = EDIT_CUT, .record = CERTIFICATE, .at = 100 } },
	{ .what = "end before Finished",
	  .edit = { .kind = EDIT_CUT, .record = FINISHED, .at = 0 } },
};

/* ---- Parameters: ServerHello ---- */

static void put_be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The record, and the one message in it, become n bytes longer. */
static void lengthen(uint8_t *rec, size_t *len, size_t n)
{
	*len += n;
	put_be16(rec + 3, *len - 5);
	rec[6] = 0;
	put_be16(rec + 7, *len - 9);
}

static size_t suite_at(const uint8_t *rec)
{
	return 44 + (size_t)rec[43];
}

static void set_suite(uint8_t *rec, unsigned suite)
{
	put_be16(rec + suite_at(rec), suite);
}

/* Adds an extension to a ServerHello that has some. */
static void add_extension(uint8_t *rec, size_t *len, const char *hex)
{
	uint8_t bytes[64], *list = rec + suite_at(rec) + 3;
	size_t n = testport_hex(hex, bytes, sizeof bytes);

	memcpy(rec + *len, bytes, n);
	put_be16(list, ((size_t)list[0] << 8 | list[1]) + n);
	lengthen(rec, len, n);
}

#define HELLO(name, statement)                                                                     \
	static void name(struct tls_link *link, uint8_t *rec, size_t *len)                         \
	{                                                                                          \
		(void)link;                                                                        \
		(void)len;                                                                         \
		statement;                                                                         \
	}
HELLO(ssl_3, put_be16(rec + 9, 0x0300))
HELLO(tls_10, put_be16(rec + 9, 0x0301))
HELLO(tls_11, put_be16(rec + 9, 0x0302))
HELLO(tls_13, put_be16(rec + 9, 0x0304))
HELLO(dtls, put_be16(rec + 9, 0xfefd))
HELLO(suite_rsa, set_suite(rec, 0x009c))
HELLO(suite_cbc, set_suite(rec, 0xc009))
HELLO(suite_null, set_suite(rec, 0x0000))
HELLO(suite_13, set_suite(rec, 0x1301))
HELLO(suite_unknown, set_suite(rec, 0xfafa))
HELLO(suite_other_key, set_suite(rec, 0xcca8))
HELLO(compression, rec[suite_at(rec) + 2] = 1)
HELLO(long_session, rec[43] = 33)
HELLO(short_hello, lengthen(rec, len, (size_t)-4))
HELLO(trailing_hello, lengthen(rec, len, 1))
HELLO(ticket_extension, add_extension(rec, len, "0023 0000"))
HELLO(master_extension, add_extension(rec, len, "0017 0000"))
HELLO(alpn_extension, add_extension(rec, len, "0010 0005 0003 02 6832"))
HELLO(doubled_extension, add_extension(rec, len, "000b 0002 0100 000b 0002 0100"))
HELLO(reneg_extension, add_extension(rec, len, "ff01 0002 01aa"))
HELLO(server_random, rec[20] ^= 1)

/* ---- Parameters: ServerKeyExchange, signed anew with the server's key ---- */

struct exchange {
	const char *params; /* hex */
	unsigned hash, algorithm; /* as announced; 0: SHA-256, ECDSA */
	const EVP_MD *md; /* NULL: SHA-256 */
	EVP_PKEY *key; /* NULL: the server's */
};

static size_t sign_params(struct tls_link *link, const struct exchange *x, const uint8_t *params,
			  size_t len, uint8_t *out, size_t room)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t text[64 + 600];

	memcpy(text, tls_link_client_random(link), 32);
	memcpy(text + 32, tls_link_server_random(link), 32);
	memcpy(text + 64, params, len);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, x->md ? x->md : EVP_sha256(), NULL,
					    x->key ? x->key : tls_link_pipe(link)->server_key),
			 1);
	assert_int_equal(EVP_DigestSign(ctx, out, &room, text, 64 + len), 1);
	EVP_MD_CTX_free(ctx);
	return room;
}

static void exchange(struct tls_link *link, const struct exchange *x, uint8_t *rec, size_t *len)
{
	uint8_t params[600], signature[160];
	size_t n = testport_hex(x->params, params, sizeof params);
	size_t n_signature = sign_params(link, x, params, n, signature, sizeof signature);

	rec[5] = 12;
	memcpy(rec + 9, params, n);
	rec[9 + n] = (uint8_t)(x->hash ? x->hash : 4);
	rec[10 + n] = (uint8_t)(x->algorithm ? x->algorithm : 3);
	put_be16(rec + 11 + n, n_signature);
	memcpy(rec + 13 + n, signature, n_signature);
	*len = 0;
	lengthen(rec, len, 13 + n + n_signature);
}

/* A good X25519 key and P-256's base point. */
#define GOOD "03001d 20 0900000000000000000000000000000000000000000000000000000000000000"
#define BASE_X "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define BASE_Y "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f"
#define ZEROES "0000000000000000000000000000000000000000000000000000000000000000"

#define EXCHANGE(name, ...)                                                                        \
	static void name(struct tls_link *link, uint8_t *rec, size_t *len)                         \
	{                                                                                          \
		exchange(link, &(struct exchange){ .params = __VA_ARGS__ }, rec, len);             \
	}
EXCHANGE(explicit_prime, "01001d 20 " BASE_X)
EXCHANGE(curve_p521, "030019 20 " BASE_X)
EXCHANGE(curve_0, "030000 20 " BASE_X)
EXCHANGE(curve_unknown, "034242 20 " BASE_X)
EXCHANGE(point_zero, "03001d 20 " ZEROES)
EXCHANGE(point_one,
	 "03001d 20 01"
	 "00000000000000000000000000000000000000000000000000000000000000")
EXCHANGE(point_order_8,
	 "03001d 20 e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
EXCHANGE(point_short, "03001d 1f 00000000000000000000000000000000000000000000000000000000000001")
EXCHANGE(point_empty, "03001d 00")
EXCHANGE(point_off_curve, "030017 41 04" BASE_X BASE_Y "6")
EXCHANGE(point_compressed, "030017 21 03" BASE_X)
EXCHANGE(point_infinite, "030017 01 00")
EXCHANGE(point_zeroes, "030017 41 04" ZEROES ZEROES)
EXCHANGE(sha1_signature, GOOD, .hash = 2, .md = EVP_sha1())
EXCHANGE(sha224_signature, GOOD, .hash = 3, .md = EVP_sha224())
EXCHANGE(md5_announced, GOOD, .hash = 1)
EXCHANGE(hash_unknown, GOOD, .hash = 9)
EXCHANGE(rsa_announced, GOOD, .algorithm = 1)
EXCHANGE(hash_mixed_up, GOOD, .hash = 5)
EXCHANGE(other_key, GOOD, .key = tls_key(KEY_OTHER_P256))

static void trailing_bytes(struct tls_link *link, uint8_t *rec, size_t *len)
{
	exchange(link, &(struct exchange){ .params = GOOD }, rec, len);
	lengthen(rec, len, 3);
}

static void empty_signature(struct tls_link *link, uint8_t *rec, size_t *len)
{
	exchange(link, &(struct exchange){ .params = GOOD }, rec, len);
	put_be16(rec + 9 + 36 + 2, 0);
	*len = 0;
	lengthen(rec, len, 9 + 36 + 4);
}

#define CHANGE(index, fn)                                                                          \
	{                                                                                          \
		.kind = EDIT_CHANGE, .record = (index), .change = (fn)                             \
	}

static const struct negative parameters[] = {
	{ .what = "SSL 3.0", .edit = CHANGE(SERVER_HELLO, ssl_3) },
	{ .what = "TLS 1.0", .edit = CHANGE(SERVER_HELLO, tls_10) },
	{ .what = "TLS 1.1", .edit = CHANGE(SERVER_HELLO, tls_11) },
	{ .what = "TLS 1.3 by its old field", .edit = CHANGE(SERVER_HELLO, tls_13) },
	{ .what = "DTLS", .edit = CHANGE(SERVER_HELLO, dtls) },
	{ .what = "suite with RSA key exchange", .edit = CHANGE(SERVER_HELLO, suite_rsa) },
	{ .what = "suite with CBC", .edit = CHANGE(SERVER_HELLO, suite_cbc) },
	{ .what = "suite without encryption", .edit = CHANGE(SERVER_HELLO, suite_null) },
	{ .what = "suite of TLS 1.3", .edit = CHANGE(SERVER_HELLO, suite_13) },
	{ .what = "suite unknown", .edit = CHANGE(SERVER_HELLO, suite_unknown) },
	{ .what = "suite for another key", .edit = CHANGE(SERVER_HELLO, suite_other_key) },
	{ .what = "compression", .edit = CHANGE(SERVER_HELLO, compression) },
	{ .what = "long session id", .edit = CHANGE(SERVER_HELLO, long_session) },
	{ .what = "short ServerHello", .edit = CHANGE(SERVER_HELLO, short_hello) },
	{ .what = "bytes behind the ServerHello", .edit = CHANGE(SERVER_HELLO, trailing_hello) },
	{ .what = "ticket extension", .edit = CHANGE(SERVER_HELLO, ticket_extension) },
	{ .what = "master secret extension", .edit = CHANGE(SERVER_HELLO, master_extension) },
	{ .what = "ALPN extension", .edit = CHANGE(SERVER_HELLO, alpn_extension) },
	{ .what = "extension twice", .edit = CHANGE(SERVER_HELLO, doubled_extension) },
	{ .what = "renegotiation extension", .edit = CHANGE(SERVER_HELLO, reneg_extension) },
	{ .what = "another server random", .edit = CHANGE(SERVER_HELLO, server_random) },
	{ .what = "explicit prime", .edit = CHANGE(KEY_EXCHANGE, explicit_prime) },
	{ .what = "curve P-521", .edit = CHANGE(KEY_EXCHANGE, curve_p521) },
	{ .what = "curve 0", .edit = CHANGE(KEY_EXCHANGE, curve_0) },
	{ .what = "curve unknown", .edit = CHANGE(KEY_EXCHANGE, curve_unknown) },
	{ .what = "X25519 of zero", .edit = CHANGE(KEY_EXCHANGE, point_zero) },
	{ .what = "X25519 of one", .edit = CHANGE(KEY_EXCHANGE, point_one) },
	{ .what = "X25519 of order 8", .edit = CHANGE(KEY_EXCHANGE, point_order_8) },
	{ .what = "X25519 too short", .edit = CHANGE(KEY_EXCHANGE, point_short) },
	{ .what = "X25519 empty", .edit = CHANGE(KEY_EXCHANGE, point_empty) },
	{ .what = "P-256 off the curve", .edit = CHANGE(KEY_EXCHANGE, point_off_curve) },
	{ .what = "P-256 compressed", .edit = CHANGE(KEY_EXCHANGE, point_compressed) },
	{ .what = "P-256 at infinity", .edit = CHANGE(KEY_EXCHANGE, point_infinite) },
	{ .what = "P-256 of zeroes", .edit = CHANGE(KEY_EXCHANGE, point_zeroes) },
	{ .what = "SHA-1", .edit = CHANGE(KEY_EXCHANGE, sha1_signature) },
	{ .what = "SHA-224", .edit = CHANGE(KEY_EXCHANGE, sha224_signature) },
	{ .what = "MD5", .edit = CHANGE(KEY_EXCHANGE, md5_announced) },
	{ .what = "hash unknown", .edit = CHANGE(KEY_EXCHANGE, hash_unknown) },
	{ .what = "RSA for a P-256 key", .edit = CHANGE(KEY_EXCHANGE, rsa_announced) },
	{ .what = "another hash than announced", .edit = CHANGE(KEY_EXCHANGE, hash_mixed_up) },
	{ .what = "signed by another key", .edit = CHANGE(KEY_EXCHANGE, other_key) },
	{ .what = "bytes behind the signature", .edit = CHANGE(KEY_EXCHANGE, trailing_bytes) },
	{ .what = "empty signature", .edit = CHANGE(KEY_EXCHANGE, empty_signature) },
	{ .what = "bit in the signature",
	  .edit = { .kind = EDIT_FLIP, .record = KEY_EXCHANGE, .at = -1 } },
};

/* ---- Records ---- */

static const struct negative records[] = {
	{ .what = "other kind", .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA, .at = 0 } },
	{ .what = "other major version",
	  .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA, .at = 1 } },
	{ .what = "other minor version",
	  .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA, .at = 2 } },
	{ .what = "longer by 256", .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA, .at = 3 } },
	{ .what = "other length", .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA, .at = 4 } },
	{ .what = "first encrypted byte",
	  .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA, .at = 5 } },
	{ .what = "in the head of the answer",
	  .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA, .at = 14 } },
	{ .what = "authentication tag",
	  .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA, .at = -1 } },
	{ .what = "first bit of the tag",
	  .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA, .at = -16 } },
	{ .what = "in the body",
	  .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA + 1, .at = 9000 } },
	{ .what = "tag of the last record",
	  .edit = { .kind = EDIT_FLIP, .record = FIRST_DATA + 3, .at = -1 } },
	{ .what = "in the Finished", .edit = { .kind = EDIT_FLIP, .record = FINISHED, .at = 6 } },
	{ .what = "tag of the Finished",
	  .edit = { .kind = EDIT_FLIP, .record = FINISHED, .at = -1 } },
	{ .what = "record twice", .edit = { .kind = EDIT_TWICE, .record = FIRST_DATA } },
	{ .what = "record in the body twice",
	  .edit = { .kind = EDIT_TWICE, .record = FIRST_DATA + 1 } },
	{ .what = "record lost", .edit = { .kind = EDIT_DROP, .record = FIRST_DATA } },
	{ .what = "record in the body lost",
	  .edit = { .kind = EDIT_DROP, .record = FIRST_DATA + 1 } },
	{ .what = "records exchanged", .edit = { .kind = EDIT_SWAP, .record = FIRST_DATA } },
	{ .what = "empty data record",
	  .edit = { .kind = EDIT_BEFORE, .record = FIRST_DATA, .hex = "17 0303 0000" } },
	{ .what = "empty handshake record",
	  .edit = { .kind = EDIT_BEFORE, .record = FIRST_DATA, .hex = "16 0303 0000" } },
	{ .what = "empty alert record",
	  .edit = { .kind = EDIT_BEFORE, .record = FIRST_DATA + 1, .hex = "15 0303 0000" } },
	{ .what = "record of one byte",
	  .edit = { .kind = EDIT_BEFORE, .record = FIRST_DATA, .hex = "17 0303 0001 00" } },
	{ .what = "record shorter than a tag",
	  .edit = { .kind = EDIT_BEFORE,
		    .record = FIRST_DATA,
		    .hex = "17 0303 000f 000000000000000000000000000000" } },
	{ .what = "record of 16 KiB and 1",
	  .edit = { .kind = EDIT_INSTEAD, .record = FIRST_DATA, .hex = "17 0303 4501" } },
	{ .what = "record of 64 KiB",
	  .edit = { .kind = EDIT_INSTEAD, .record = FIRST_DATA + 1, .hex = "17 0303 ffff" } },
	{ .what = "long record in the clear",
	  .edit = { .kind = EDIT_BEFORE, .record = CERTIFICATE, .hex = "16 0303 4001" } },
	{ .what = "alert in the clear",
	  .edit = { .kind = EDIT_BEFORE, .record = FIRST_DATA, .hex = WARNING } },
	{ .what = "close_notify in the clear",
	  .edit = { .kind = EDIT_BEFORE, .record = FIRST_DATA + 1, .hex = NOTIFY } },
	{ .what = "HelloRequest in the clear",
	  .edit = { .kind = EDIT_BEFORE, .record = FIRST_DATA, .hex = HELLO_REQUEST } },
	{ .what = "data in the clear",
	  .edit = { .kind = EDIT_INSTEAD, .record = FIRST_DATA, .hex = DATA } },
	{ .what = "flood of empty records",
	  .edit = { .kind = EDIT_BEFORE,
		    .record = CERTIFICATE,
		    .n = 40000,
		    .hex = "16 0303 0000" } },
	{ .what = "flood of warnings",
	  .edit = { .kind = EDIT_BEFORE, .record = CERTIFICATE, .n = 30000, .hex = WARNING } },
	{ .what = "flood of HelloRequests",
	  .edit = { .kind = EDIT_BEFORE,
		    .record = SERVER_HELLO,
		    .n = 30000,
		    .hex = HELLO_REQUEST } },
	{ .what = "end before the answer",
	  .edit = { .kind = EDIT_CUT, .record = FIRST_DATA, .at = 0 },
	  .want = CB_NET_CLOSED },
	{ .what = "end in a record's head",
	  .edit = { .kind = EDIT_CUT, .record = FIRST_DATA + 1, .at = 3 },
	  .want = CB_NET_CLOSED },
	{ .what = "end in a record",
	  .edit = { .kind = EDIT_CUT, .record = FIRST_DATA + 1, .at = 5000 },
	  .want = CB_NET_CLOSED },
	{ .what = "end between records",
	  .edit = { .kind = EDIT_CUT, .record = FIRST_DATA + 2, .at = 0 },
	  .want = CB_NET_CLOSED },
	{ .what = "end in the last tag",
	  .edit = { .kind = EDIT_CUT, .record = FIRST_DATA + 3, .at = 1000 },
	  .want = CB_NET_CLOSED },
};

static bool is_right(const struct negative *c)
{
	struct tls_pipe p;
	enum cb_err want = c->want == CB_OK ? CB_NET_TLS : c->want;

	tls_pipe_init(&p);
	tls_pipe_serve_spec(&p, &(struct tls_spec){ 0 });
	p.edit = c->edit;
	enum cb_err err = tls_pipe_fetch(&p, URL);
	tls_pipe_done(&p);
	if (err != want)
		fprintf(stderr, "%s: %u instead of %u\n", c->what, (unsigned)err, (unsigned)want);
	return err == want;
}

static void run(const char *what, const struct negative *cases, size_t n)
{
	unsigned n_wrong = 0;

	for (size_t i = 0; i < n; i++)
		n_wrong += !is_right(&cases[i]);
	printf("%zu %s\n", n, what);
	assert_int_equal(n_wrong, 0);
}

static void test_order(void **state)
{
	(void)state;
	run("in the order of the handshake", order, sizeof order / sizeof order[0]);
}

static void test_parameters(void **state)
{
	(void)state;
	run("parameters", parameters, sizeof parameters / sizeof parameters[0]);
}

static void test_records(void **state)
{
	(void)state;
	run("records", records, sizeof records / sizeof records[0]);
}

/* Without a change the same relay lets everything pass. */
static void test_relay(void **state)
{
	struct tls_pipe p;

	(void)state;
	tls_pipe_init(&p);
	tls_pipe_serve_spec(&p, &(struct tls_spec){ 0 });
	assert_int_equal(tls_pipe_fetch(&p, URL), CB_OK);
	/* A warning before the handshake is done is allowed (RFC 5246 §7.2.2). */
	p.edit = (struct tls_edit){
		.kind = EDIT_BEFORE, .record = CERTIFICATE, .n = 3, .hex = WARNING
	};
	assert_int_equal(tls_pipe_fetch(&p, URL), CB_OK);
	tls_pipe_done(&p);
}

/* Real servers that cannot do what we want. */
static void test_servers(void **state)
{
	static const struct {
		int min, max;
		const char *suites, *groups;
	} cases[] = {
		{ TLS1_VERSION, TLS1_VERSION, NULL, NULL },
		{ TLS1_1_VERSION, TLS1_1_VERSION, NULL, NULL },
		{ TLS1_3_VERSION, TLS1_3_VERSION, NULL, NULL },
		{ TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0", NULL },
		{ TLS1_2_VERSION, TLS1_2_VERSION, "AES128-GCM-SHA256:@SECLEVEL=0", NULL },
		{ TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0", NULL },
		{ TLS1_2_VERSION, TLS1_2_VERSION, NULL, "P-521" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tls_pipe p;
		tls_pipe_init(&p);
		tls_pipe_serve_spec(&p, &(struct tls_spec){ 0 });
		SSL_CTX_set_min_proto_version(p.server, cases[i].min);
		SSL_CTX_set_max_proto_version(p.server, cases[i].max);
		if (cases[i].suites)
			assert_int_equal(SSL_CTX_set_cipher_list(p.server, cases[i].suites), 1);
		if (cases[i].groups)
			assert_int_equal(SSL_CTX_set1_groups_list(p.server, cases[i].groups), 1);
		assert_int_equal(tls_pipe_fetch(&p, URL), CB_NET_TLS);
		tls_pipe_done(&p);
	}
}

static void test_no_tls_at_all(void **state)
{
	static const char *const hellos[] = {
		"485454502f312e31203430302042616420526571756573740d0a0d0a", /* HTTP */
		"80 2e 01 0002 0015 0000 0010", /* SSL 2 */
		"15 0303 0002 0246", /* alert: protocol version */
		"535348", /* SSH, and then nothing */
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct tls_pipe p;
		tls_pipe_init(&p);
		tls_pipe_serve_spec(&p, &(struct tls_spec){ 0 });
		p.hello = hellos[i];
		assert_int_equal(tls_pipe_fetch(&p, URL), i < 3 ? CB_NET_TLS : STALL);
		tls_pipe_done(&p);
	}
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
		cmocka_unit_test(test_relay),	   cmocka_unit_test(test_order),
		cmocka_unit_test(test_parameters), cmocka_unit_test(test_records),
		cmocka_unit_test(test_servers),	   cmocka_unit_test(test_no_tls_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
