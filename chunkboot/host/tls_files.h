/* SPDX-License-Identifier: MIT */
/* What https mirrors are trusted by, from certificate files and pins on the command line. */
#ifndef CB_HOST_TLS_FILES_H
#define CB_HOST_TLS_FILES_H

#include "core/tls_trust.h"
#include "host/error.h"

struct cb_tls_options {
	const char *const *cas; /* PEM files, one or more certificates each */
	unsigned n_cas;
	const char *const *pins; /* 64 hex digits each */
	unsigned n_pins;
};

/* The trust, and the anchors that it leads to: not to be copied. */
struct cb_tls_files {
	struct cb_tls_trust trust;
	uint8_t anchors[CB_TLS_MAX_ANCHORS][CB_TLS_ANCHOR_MAX];
};

/*
 * Reads and checks: certificates of authorities only, valid at now_s, with keys that the loader
 * takes. USAGE with what is wrong; NOT_FOUND, IO. *ret is undefined then.
 */
enum cb_err cb_tls_files_read(const struct cb_tls_options *options, int64_t now_s,
			      struct cb_tls_files *ret, struct cb_error *e);
/* An https URL that trust cannot hold for: USAGE with a hint. */
enum cb_err cb_tls_files_check_url(const struct cb_tls_trust *trust, const char *url,
				   struct cb_error *e);

#endif
