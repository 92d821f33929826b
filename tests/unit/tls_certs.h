/* SPDX-License-Identifier: MIT */
/* Certificates for tests, good and bad, made with OpenSSL while the test runs. */
#ifndef CB_TESTS_UNIT_TLS_CERTS_H
#define CB_TESTS_UNIT_TLS_CERTS_H

#include <openssl/x509v3.h>

#include "core/tls_trust.h"

#define TLS_CERTS_NOW 1800000000 /* the Unix time of the tests */

enum tls_key {
	KEY_P256,
	KEY_OTHER_P256,
	KEY_CA,
	KEY_OTHER_CA,
	KEY_MIDDLE,
	KEY_P384,
	KEY_P521,
	KEY_RSA2048,
	KEY_RSA1024,
	KEY_ED25519,
	N_TLS_KEYS
};

/* The key; made when first asked for, and kept until tls_certs_done. */
EVP_PKEY *tls_key(enum tls_key which);
void tls_certs_done(void);

/* Zeroed: a good server's certificate for boot.example, P-256, SHA-256, valid for 30 days. */
struct tls_spec {
	const char *subject, *issuer; /* common names */
	const char *names; /* subjectAltName in OpenSSL's notation; "": none */
	const char *names_der; /* the same as hex, instead */
	long from_s, to_s; /* relative to now; both 0: valid */
	enum tls_key key;
	const char *md; /* name of the hash that it is signed with */
	const char *basic, *usage, *purposes; /* values of extensions; NULL: without */
	const char *critical; /* OID of an unknown critical extension */
	const char *extension; /* "name=value", any other one */
	size_t padding; /* bytes of a useless extension */
	bool is_version_1;
};

/* Caller frees. */
X509 *tls_cert(const struct tls_spec *spec, EVP_PKEY *signer);
/* The anchor of a CA called "CA" with that key. */
size_t tls_anchor(enum tls_key key, uint8_t out[CB_TLS_ANCHOR_MAX]);
void tls_pin(EVP_PKEY *key, uint8_t out[CB_TLS_PIN_LEN]);

#endif
