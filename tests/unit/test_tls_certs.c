/* SPDX-License-Identifier: MIT */
/* LINK: -lssl */
/* Certificates that must not be trusted, each with the code that the person gets to see. */
#include <stdio.h>
#include <string.h>

#include "tls_pipe.h"

#define DAY 86400
#define CA_BASIC "critical,CA:TRUE"

/* What else is wrong, beyond what a certificate says. */
enum quirk {
	NOTHING,
	OTHER_CA_KEY, /* signed by another key of a CA with the same name */
	SELF_SIGNED,
	NO_MIDDLE, /* the intermediate is not sent */
	REVERSED, /* sent in the wrong order */
	BAD_SIGNATURE,
	BAD_MIDDLE_SIGNATURE,
	BAD_BODY, /* a bit of what is signed */
	DEEP, /* 20 intermediates */
	HUGE_CHAIN, /* 1 MB */
	NO_TRUST,
	WRONG_PIN, /* and a good CA */
	ONLY_WRONG_PIN,
	PIN_OF_CA,
	PIN_AND_OTHER_CA, /* right pin, wrong CA */
	PIN_BUT_DATES,
	DEAD_MIDDLE, /* the intermediate signs, but is another's */
};

struct cert_case {
	const char *what;
	const char *host; /* NULL: boot.example */
	struct tls_spec leaf, middle;
	bool has_middle; /* leaf by "middle", that by CA */
	enum quirk quirk;
	enum cb_err want;
};

#define DATE CB_NET_TLS_DATE
#define NAME CB_NET_TLS_NAME
#define CERT CB_NET_TLS_CERT

static const struct cert_case cases[] = {
	/* ---- dates ---- */
	{ "expired", .leaf = { .from_s = -9 * DAY, .to_s = -DAY }, .want = DATE },
	{ "expired a second ago", .leaf = { .from_s = -9 * DAY, .to_s = -1 }, .want = DATE },
	{ "not yet valid", .leaf = { .from_s = DAY, .to_s = 9 * DAY }, .want = DATE },
	{ "valid in a second", .leaf = { .from_s = 1, .to_s = 9 * DAY }, .want = DATE },
	{ "end before beginning", .leaf = { .from_s = DAY, .to_s = -DAY }, .want = DATE },
	{ "intermediate expired", .middle = { .from_s = -9 * DAY, .to_s = -DAY, .basic = CA_BASIC },
	  .has_middle = true, .want = DATE },
	{ "intermediate not yet valid",
	  .middle = { .from_s = DAY, .to_s = 9 * DAY, .basic = CA_BASIC }, .has_middle = true,
	  .want = DATE },
	{ "right pin, expired", .leaf = { .from_s = -9 * DAY, .to_s = -DAY },
	  .quirk = PIN_BUT_DATES, .want = DATE },
	/* ---- names ---- */
	{ "another name", .leaf = { .names = "DNS:other.example" }, .want = NAME },
	{ "a name below", .leaf = { .names = "DNS:a.boot.example" }, .want = NAME },
	{ "the name above", .leaf = { .names = "DNS:example" }, .want = NAME },
	{ "longer behind", .leaf = { .names = "DNS:boot.example.net" }, .want = NAME },
	{ "longer in front", .leaf = { .names = "DNS:xboot.example" }, .want = NAME },
	{ "shorter", .leaf = { .names = "DNS:boot.exampl" }, .want = NAME },
	{ "a digit for a letter", .leaf = { .names = "DNS:b00t.example" }, .want = NAME },
	{ "dot at the end", .leaf = { .names = "DNS:boot.example." }, .want = NAME },
	{ "blank in front", .leaf = { .names_der = "300f 820d 20626f6f742e6578616d706c65" },
	  .want = NAME },
	{ "wildcard for the label", .leaf = { .names = "DNS:*.example" }, .want = NAME },
	{ "wildcard below", .leaf = { .names = "DNS:*.boot.example" }, .want = NAME },
	{ "wildcard in the label", .leaf = { .names = "DNS:b*t.example" }, .want = NAME },
	{ "wildcard alone", .leaf = { .names = "DNS:*" }, .want = NAME },
	{ "wildcards all over", .leaf = { .names = "DNS:*.*" }, .want = NAME },
	{ "NUL in the name",
	  .leaf = { .names_der = "3013 8211 626f6f742e6578616d706c65 00 2e657669" }, .want = NAME },
	{ "NUL behind the name", .leaf = { .names_der = "300f 820d 626f6f742e6578616d706c65 00" },
	  .want = NAME },
	{ "common name only", .leaf = { .subject = "boot.example", .names = "" }, .want = NAME },
	{ "common name beside another name",
	  .leaf = { .subject = "boot.example", .names = "DNS:other.example" }, .want = NAME },
	{ "no names at all", .leaf = { .names = "" }, .want = NAME },
	{ "as mail address", .leaf = { .names = "email:a@boot.example" }, .want = NAME },
	{ "as URI", .leaf = { .names = "URI:https://boot.example/" }, .want = NAME },
	{ "as registered id", .leaf = { .names = "RID:1.2.3.4" }, .want = NAME },
	{ "address for a name", .leaf = { .names = "IP:192.0.2.1" }, .want = NAME },
	{ "address as DNS name", .host = "192.0.2.1", .leaf = { .names = "DNS:192.0.2.1" },
	  .want = NAME },
	{ "address as common name", .host = "192.0.2.1",
	  .leaf = { .subject = "192.0.2.1", .names = "" }, .want = NAME },
	{ "another address", .host = "192.0.2.1", .leaf = { .names = "IP:192.0.2.2" },
	  .want = NAME },
	{ "IPv4 address mapped into IPv6", .host = "192.0.2.1",
	  .leaf = { .names = "IP:::ffff:192.0.2.1" }, .want = NAME },
	{ "name for an address", .host = "192.0.2.1", .want = NAME },
	{ "empty list of names", .leaf = { .names_der = "3000" }, .want = CERT },
	/* ---- who signed ---- */
	{ "unknown authority", .leaf = { .issuer = "nobody" }, .want = CERT },
	{ "authority of the same name", .quirk = OTHER_CA_KEY, .want = CERT },
	{ "signed by itself", .quirk = SELF_SIGNED, .leaf = { .issuer = "server" }, .want = CERT },
	{ "intermediate not sent", .middle = { .basic = CA_BASIC }, .has_middle = true,
	  .quirk = NO_MIDDLE, .want = CERT },
	{ "wrong order", .middle = { .basic = CA_BASIC }, .has_middle = true, .quirk = REVERSED,
	  .want = NAME /* the first one is the server's, and nobody's */ },
	{ "intermediate is no authority", .middle = { .basic = "critical,CA:FALSE" },
	  .has_middle = true, .want = CERT },
	{ "intermediate without constraints", .has_middle = true, .want = CERT },
	{ "intermediate of version 1", .middle = { .is_version_1 = true }, .has_middle = true,
	  .want = CERT },
	{ "intermediate may not sign",
	  .middle = { .basic = CA_BASIC, .usage = "critical,digitalSignature" }, .has_middle = true,
	  .want = CERT },
	{ "intermediate of another", .middle = { .basic = CA_BASIC }, .has_middle = true,
	  .quirk = DEAD_MIDDLE, .want = CERT },
	{ "bad signature", .quirk = BAD_SIGNATURE, .want = CERT },
	{ "signed text changed", .quirk = BAD_BODY, .want = CERT },
	{ "bad signature of the intermediate", .middle = { .basic = CA_BASIC }, .has_middle = true,
	  .quirk = BAD_MIDDLE_SIGNATURE, .want = CERT },
	{ "path too long", .quirk = DEEP, .middle = { .basic = CA_BASIC ",pathlen:0" },
	  .want = CERT },
	{ "chain of 20", .quirk = DEEP, .middle = { .basic = CA_BASIC }, .want = CERT },
	{ "chain of 1 MB", .quirk = HUGE_CHAIN, .middle = { .basic = CA_BASIC }, .want = CERT },
	{ "certificate of 9 KB", .leaf = { .padding = 9000 }, .want = CERT },
	/* ---- purposes and extensions ---- */
	{ "for clients only", .leaf = { .purposes = "clientAuth" }, .want = CERT },
	{ "for signing code only", .leaf = { .purposes = "codeSigning,timeStamping" },
	  .want = CERT },
	{ "key not for signatures", .leaf = { .usage = "critical,keyEncipherment" },
	  .want = CB_NET_TLS /* the suite wants a signature */ },
	{ "unknown critical extension", .leaf = { .critical = "1.3.6.1.4.1.99999.2" },
	  .want = CERT },
	{ "unknown critical extension of the intermediate",
	  .middle = { .basic = CA_BASIC, .critical = "1.3.6.1.4.1.99999.2" }, .has_middle = true,
	  .want = CERT },
	{ "critical name constraints",
	  .middle = { .basic = CA_BASIC,
		      .extension = "nameConstraints=critical,permitted;DNS:b.example" },
	  .has_middle = true, .want = CERT },
	{ "critical policy constraints",
	  .middle = { .basic = CA_BASIC,
		      .extension = "policyConstraints=critical,requireExplicitPolicy:0" },
	  .has_middle = true, .want = CERT },
	/* ---- keys and hashes ---- */
	{ "RSA of 1024 bits", .leaf = { .key = KEY_RSA1024 }, .want = CERT },
	{ "intermediate with RSA of 1024 bits", .middle = { .basic = CA_BASIC, .key = KEY_RSA1024 },
	  .has_middle = true, .want = CERT },
	{ "SHA-1", .leaf = { .md = "SHA1" }, .want = CERT },
	{ "SHA-1 of the intermediate", .middle = { .basic = CA_BASIC, .md = "SHA1" },
	  .has_middle = true, .want = CERT },
	{ "MD5", .leaf = { .md = "MD5" }, .middle = { .basic = CA_BASIC, .key = KEY_RSA2048 },
	  .has_middle = true, .want = CERT },
	{ "P-521", .leaf = { .key = KEY_P521 }, .want = CB_NET_TLS },
	{ "intermediate with P-521", .middle = { .basic = CA_BASIC, .key = KEY_P521 },
	  .has_middle = true, .want = CERT },
	{ "Ed25519", .leaf = { .key = KEY_ED25519 }, .want = CB_NET_TLS },
	/* ---- what we trust ---- */
	{ "nothing is trusted", .quirk = NO_TRUST, .want = CERT },
	{ "wrong pin, good authority", .quirk = WRONG_PIN, .want = CERT },
	{ "wrong pin alone", .quirk = ONLY_WRONG_PIN, .want = CERT },
	{ "pin of the authority", .quirk = PIN_OF_CA, .want = CERT },
	{ "right pin, other authority", .quirk = PIN_AND_OTHER_CA, .want = CERT },
};

/* The certificate with another signature, or another serial number under the same one. */
static X509 *damaged(X509 *x, bool is_signature)
{
	static const uint8_t serial[] = { 0x02, 0x01, 0x07 };
	unsigned char *der = NULL, *at;
	int len = i2d_X509(x, &der);
	const unsigned char *p = der;

	at = is_signature ? der + len - 1 :
			    (unsigned char *)memmem(der, (size_t)len, serial, 3) + 2;
	*at ^= 1;
	X509_free(x);
	x = d2i_X509(NULL, &p, len);
	assert_non_null(x);
	OPENSSL_free(der);
	return x;
}

static void set_trust(struct tls_pipe *p, enum quirk quirk)
{
	enum tls_key pin = quirk == PIN_OF_CA			    ? KEY_CA :
		quirk == PIN_AND_OTHER_CA || quirk == PIN_BUT_DATES ? KEY_P256 :
								      KEY_OTHER_P256;

	if (quirk == NO_TRUST || quirk == ONLY_WRONG_PIN || quirk == PIN_BUT_DATES)
		p->trust.n_anchors = 0;
	if (quirk == PIN_AND_OTHER_CA)
		tls_pipe_trust_ca(p, KEY_OTHER_CA);
	if (quirk < WRONG_PIN || quirk == DEAD_MIDDLE)
		return;
	p->trust.n_pins = 1;
	tls_pin(tls_key(pin), p->trust.pins[0]);
}

/* A chain of n intermediates that all have one key and one name, each signed by the next one. */
static void serve_long(struct tls_pipe *p, const struct cert_case *c, unsigned n, size_t padding)
{
	struct tls_spec leaf = c->leaf, middle = c->middle;
	X509 *chain[130];

	leaf.issuer = middle.subject = middle.issuer = "middle";
	middle.key = KEY_MIDDLE;
	middle.padding = padding;
	chain[0] = tls_cert(&leaf, tls_key(KEY_MIDDLE));
	for (unsigned i = 1; i < n; i++)
		chain[i] = tls_cert(&middle, tls_key(KEY_MIDDLE));
	middle.issuer = "CA";
	chain[n] = tls_cert(&middle, tls_key(KEY_CA));
	tls_pipe_serve(p, chain, n + 1, tls_key(KEY_P256));
	for (unsigned i = 0; i <= n; i++)
		X509_free(chain[i]);
}

static EVP_PKEY *signer_of(const struct cert_case *c, const struct tls_spec *middle)
{
	if (c->quirk == SELF_SIGNED)
		return tls_key(c->leaf.key);
	if (c->quirk == DEAD_MIDDLE)
		return tls_key(KEY_OTHER_P256);
	if (c->has_middle)
		return tls_key(middle->key);
	return tls_key(c->quirk == OTHER_CA_KEY ? KEY_OTHER_CA : KEY_CA);
}

static void serve_short(struct tls_pipe *p, const struct cert_case *c)
{
	struct tls_spec leaf = c->leaf, middle = c->middle;
	X509 *chain[2] = { NULL };

	middle.subject = "middle";
	middle.names = "";
	if (middle.key == KEY_P256)
		middle.key = KEY_MIDDLE;
	if (c->has_middle)
		leaf.issuer = "middle";
	chain[0] = tls_cert(&leaf, signer_of(c, &middle));
	if (c->quirk == BAD_SIGNATURE)
		chain[0] = damaged(chain[0], /*is_signature=*/true);
	if (c->quirk == BAD_BODY)
		chain[0] = damaged(chain[0], /*is_signature=*/false);
	if (c->has_middle)
		chain[1] = tls_cert(&middle, tls_key(KEY_CA));
	if (c->quirk == BAD_MIDDLE_SIGNATURE)
		chain[1] = damaged(chain[1], /*is_signature=*/true);
	if (c->quirk == REVERSED) {
		X509 *first = chain[0];
		chain[0] = chain[1];
		chain[1] = first;
	}
	tls_pipe_serve(p, chain, c->has_middle && c->quirk != NO_MIDDLE ? 2 : 1,
		       tls_key(c->quirk == REVERSED ? middle.key : leaf.key));
	X509_free(chain[0]);
	X509_free(chain[1]);
}

static void test_refused(void **state)
{
	unsigned n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct cert_case *c = &cases[i];
		struct tls_pipe p;
		char url[64];
		tls_pipe_init(&p);
		if (c->quirk == DEEP)
			serve_long(&p, c, 20, 0);
		else if (c->quirk == HUGE_CHAIN)
			serve_long(&p, c, 125, 8000);
		else
			serve_short(&p, c);
		set_trust(&p, c->quirk);
		snprintf(url, sizeof url, "https://%s/", c->host ? c->host : "boot.example");
		enum cb_err err = tls_pipe_fetch(&p, url);
		if (err != c->want) {
			fprintf(stderr, "%s: %u instead of %u\n", c->what, (unsigned)err,
				(unsigned)c->want);
			n_wrong++;
		}
		assert_true(p.n_opened > 0);
		tls_pipe_done(&p);
	}
	printf("%zu certificates\n", sizeof cases / sizeof cases[0]);
	assert_int_equal(n_wrong, 0);
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
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
