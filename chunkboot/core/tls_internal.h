/* SPDX-License-Identifier: MIT */
/* Inside TLS: the server's certificates, and what is offered to a server. For tls*.c only. */
#ifndef CB_CORE_TLS_INTERNAL_H
#define CB_CORE_TLS_INTERNAL_H

#include "core/tls.h"

/* ---- tls_cert.c: facts of the server's own certificate ---- */

struct cb_tls_cert {
	struct cb_bytes spki; /* SubjectPublicKeyInfo, whole */
	struct cb_bytes names; /* content of subjectAltName's SEQUENCE; empty: has none */
	bool is_for_servers; /* extendedKeyUsage, where there is one, allows it */
};

/* Spans lead into der. False for what is no X.509 certificate; *ret untouched then. */
bool cb_tls_cert_parse(struct cb_bytes der, struct cb_tls_cert *ret);
/* RFC 6125 without wildcards and common names: host as URLs have it, name or address. */
bool cb_tls_cert_is_for(const struct cb_tls_cert *cert, const char *host);
/* Bytes of a literal address: 4 or 16 of them, 0 for anything else. */
size_t cb_tls_address(const char *host, uint8_t ret[16]);

/* ---- tls_check.c: BearSSL's view of a chain, with our limits and verdict ---- */

struct cb_tls_check {
	const br_x509_class *vtable; /* first */
	const struct cb_tls *tls;
	const char *host;
	enum cb_err refusal; /* CB_OK: none so far */
	unsigned n_certs;
	size_t chain_len, cert_len; /* bytes of all; of the first one */
	br_x509_minimal_context minimal;
	uint8_t cert[CB_TLS_CERT_MAX];
};

void cb_tls_check_init(struct cb_tls_check *check, const struct cb_tls *tls, const char *host);

/* ---- tls_profile.c ---- */

extern const br_ec_impl cb_tls_ec;
void cb_tls_set_profile(br_ssl_engine_context *engine);

#endif
