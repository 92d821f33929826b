/* SPDX-License-Identifier: MIT */
/* What a TLS server is trusted by: keys of private certificate authorities, and pins. */
#ifndef CB_CORE_TLS_TRUST_H
#define CB_CORE_TLS_TRUST_H

#include <bearssl.h>

#include "core/bytes.h"
#include "core/err.h"

#define CB_TLS_MAX_ANCHORS 4
#define CB_TLS_MAX_PINS 8
#define CB_TLS_PIN_LEN 32 /* SHA-256 of a SubjectPublicKeyInfo */
#define CB_TLS_DN_MAX 1024 /* bytes of an encoded distinguished name */
#define CB_TLS_RSA_MIN 256 /* bytes of a modulus: 2048 bits */
#define CB_TLS_RSA_MAX 512
#define CB_TLS_EXPONENT_MAX 8
#define CB_TLS_ANCHOR_MAX (8 + CB_TLS_DN_MAX + CB_TLS_RSA_MAX + CB_TLS_EXPONENT_MAX)

/*
 * Nothing in it: no server is trusted. Anchors: the server's chain must lead to one of them, with
 * dates that hold now. Pins: the server's own key must be one of them; it then stands for the name,
 * too. Without pins the certificate must be for the very name or address that was asked for.
 */
struct cb_tls_trust {
	unsigned n_anchors, n_pins;
	struct cb_bytes anchors[CB_TLS_MAX_ANCHORS]; /* as cb_tls_anchor_write makes them */
	uint8_t pins[CB_TLS_MAX_PINS][CB_TLS_PIN_LEN];
};

/*
 * An anchor is a certificate authority's name and key, taken out of its certificate where there are
 * tools for that: u8 kind (1 RSA, 2 P-256, 3 P-384), u8 zero, u16 length of name, of key and of
 * exponent (0 for curves), then these three: the DER name, modulus or uncompressed point, exponent.
 * False, *ret untouched, for anything else. *ret leads into `anchor`.
 */
bool cb_tls_anchor_parse(struct cb_bytes anchor, br_x509_trust_anchor *ret);
/* Returns the length written to out; 0 when cb_tls_anchor_parse would refuse it. */
size_t cb_tls_anchor_write(const br_x509_trust_anchor *a, uint8_t out[CB_TLS_ANCHOR_MAX]);

#endif
