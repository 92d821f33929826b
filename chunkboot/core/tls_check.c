/* SPDX-License-Identifier: MIT */
/* Judges a TLS server's certificates: chain and dates by BearSSL, limits, name and pin here. */
#include <string.h>

#include "core/digest.h"
#include "core/tls_internal.h"

#define DAY_S 86400
#define DAYS_BEFORE_1970 719528 /* since 1 January of year 0, BearSSL's first day */

static struct cb_tls_check *check_of(const br_x509_class **ctx)
{
	return (struct cb_tls_check *)(void *)ctx;
}

static void start_chain(const br_x509_class **ctx, const char *server_name)
{
	struct cb_tls_check *check = check_of(ctx);

	(void)server_name; /* names are ours to judge */
	check->minimal.vtable->start_chain(&check->minimal.vtable, NULL);
}

static void start_cert(const br_x509_class **ctx, uint32_t len)
{
	struct cb_tls_check *check = check_of(ctx);

	check->n_certs++;
	if (check->n_certs > CB_TLS_CHAIN_MAX || len > CB_TLS_CHAIN_BYTES_MAX - check->chain_len ||
	    (check->n_certs == 1 && len > CB_TLS_CERT_MAX)) {
		check->refusal = CB_NET_TLS_CERT;
		return;
	}
	check->chain_len += len;
	check->minimal.vtable->start_cert(&check->minimal.vtable, len);
}

static void append(const br_x509_class **ctx, const unsigned char *buf, size_t len)
{
	struct cb_tls_check *check = check_of(ctx);

	if (check->refusal != CB_OK)
		return;
	if (check->n_certs == 1 && len <= sizeof check->cert - check->cert_len) {
		memcpy(check->cert + check->cert_len, buf, len);
		check->cert_len += len;
	}
	check->minimal.vtable->append(&check->minimal.vtable, buf, len);
}

static void end_cert(const br_x509_class **ctx)
{
	struct cb_tls_check *check = check_of(ctx);

	if (check->refusal == CB_OK)
		check->minimal.vtable->end_cert(&check->minimal.vtable);
}

static bool is_pinned(const struct cb_tls_trust *trust, struct cb_bytes spki)
{
	uint8_t digest[CB_DIGEST_LEN];

	cb_sha256(spki, digest);
	for (unsigned i = 0; i < trust->n_pins; i++)
		if (memcmp(trust->pins[i], digest, CB_TLS_PIN_LEN) == 0)
			return true;
	return false;
}

static enum cb_err judge(struct cb_tls_check *check, unsigned chain_err)
{
	const struct cb_tls *tls = check->tls;
	/* With pins alone nobody vouches for the chain, and nobody has to. */
	bool is_chain_good = chain_err == 0 ||
		(chain_err == BR_ERR_X509_NOT_TRUSTED && tls->n_anchors == 0 &&
		 tls->trust->n_pins > 0);
	struct cb_tls_cert cert;

	if (check->refusal != CB_OK)
		return check->refusal;
	if (chain_err == BR_ERR_X509_EXPIRED)
		return CB_NET_TLS_DATE;
	if (!is_chain_good ||
	    !cb_tls_cert_parse((struct cb_bytes){ check->cert, check->cert_len }, &cert) ||
	    !cert.is_for_servers)
		return CB_NET_TLS_CERT;
	if (tls->trust->n_pins > 0)
		return is_pinned(tls->trust, cert.spki) ? CB_OK : CB_NET_TLS_CERT;
	return cb_tls_cert_is_for(&cert, check->host) ? CB_OK : CB_NET_TLS_NAME;
}

static unsigned end_chain(const br_x509_class **ctx)
{
	struct cb_tls_check *check = check_of(ctx);

	check->refusal = judge(check, check->minimal.vtable->end_chain(&check->minimal.vtable));
	return check->refusal == CB_OK ? 0 : BR_ERR_X509_NOT_TRUSTED;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	const struct cb_tls_check *check = (const struct cb_tls_check *)(const void *)ctx;

	return check->minimal.vtable->get_pkey(&check->minimal.vtable, usages);
}

static const br_x509_class check_class = {
	.context_size = sizeof(struct cb_tls_check),
	.start_chain = start_chain,
	.start_cert = start_cert,
	.append = append,
	.end_cert = end_cert,
	.end_chain = end_chain,
	.get_pkey = get_pkey,
};

void cb_tls_check_init(struct cb_tls_check *check, const struct cb_tls *tls, const char *host)
{
	br_x509_minimal_context *x = &check->minimal;

	check->vtable = &check_class;
	check->tls = tls;
	check->host = host;
	check->refusal = CB_OK;
	check->n_certs = 0;
	check->chain_len = check->cert_len = 0;
	br_x509_minimal_init(x, &br_sha256_vtable, tls->anchors, tls->n_anchors);
	br_x509_minimal_set_hash(x, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(x, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(x, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_rsa(x, br_rsa_i31_pkcs1_vrfy);
	br_x509_minimal_set_ecdsa(x, &cb_tls_ec, br_ecdsa_i31_vrfy_asn1);
	br_x509_minimal_set_minrsa(x, CB_TLS_RSA_MIN);
	br_x509_minimal_set_time(x, (uint32_t)(tls->now_s / DAY_S) + DAYS_BEFORE_1970,
				 (uint32_t)(tls->now_s % DAY_S));
}
