/* SPDX-License-Identifier: MIT */
/* TLS 1.2 for byte streams: makes of a struct cb_net another one that knows is_tls. */
#ifndef CB_CORE_TLS_H
#define CB_CORE_TLS_H

#include "core/platform.h"
#include "core/tls_trust.h"

/*
 * Gives privacy on the way, never integrity: what comes over it is verified like everything else.
 * ECDHE with AES-GCM or ChaCha20-Poly1305 only; X25519, P-256, P-384; RSA keys of 2048 to 4096
 * bits; SHA-256 and longer. No renegotiation, no resumption, no ALPN, no client certificates.
 *
 * A TLS stream takes about 23 KiB, and 12 KiB more until its handshake is done. Its states are
 * those of any stream; ret_why can be NET_TLS (the handshake failed, or a record is bad),
 * NET_TLS_CERT (certificate not trusted), NET_TLS_NAME (for another name), NET_TLS_DATE (expired or
 * not yet valid). An end without close_notify (RFC 5246 §7.2.1) is FAILED with NET_CLOSED.
 */

#define CB_TLS_CHAIN_MAX 8 /* certificates that a server may send */
#define CB_TLS_CHAIN_BYTES_MAX 65536u /* of all of them */
#define CB_TLS_CERT_MAX 8192u /* bytes of the server's own */
#define CB_TLS_VAIN_MAX 131072u /* bytes in a row that bring no application data */

struct cb_tls {
	const struct cb_platform *platform; /* streams below, memory, randomness */
	const struct cb_tls_trust *trust;
	int64_t now_s; /* Unix time that certificates are judged by */
	unsigned n_anchors;
	br_x509_trust_anchor anchors[CB_TLS_MAX_ANCHORS];
};

/* platform and trust outlive t. now_s must have been set before a stream opens. */
void cb_tls_init(struct cb_tls *t, const struct cb_platform *platform,
		 const struct cb_tls_trust *trust);
/*
 * Streams over platform->net; t outlives them. Endpoints without is_tls pass through. open fails
 * with ENTROPY for TLS where the platform has no randomness, and with NO_MEMORY.
 */
void cb_tls_net(struct cb_tls *t, struct cb_net *ret);

#endif
