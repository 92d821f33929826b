/* SPDX-License-Identifier: MIT */
/* Makes trust anchors of certificate files, and reads pins. */
#include "host/tls_files.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "core/url.h"
#include "host/files.h"

#define PEM_MAX 65536 /* bytes of a file */

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void free_x509(X509 **x)
{
	X509_free(*x);
}

/* Room for what an anchor points to. */
struct parts {
	uint8_t n[CB_TLS_RSA_MAX], e[CB_TLS_EXPONENT_MAX];
};

/* A number of a key, big-endian; 0 where it is none or does not fit. */
static size_t get_number(const EVP_PKEY *key, const char *name, uint8_t *out, size_t max)
{
	BIGNUM *number = NULL;
	size_t len = 0;

	if (EVP_PKEY_get_bn_param(key, name, &number) == 1 && (size_t)BN_num_bytes(number) <= max)
		len = (size_t)BN_bn2bin(number, out);
	BN_free(number);
	return len;
}

static bool get_rsa(const EVP_PKEY *key, struct parts *parts, br_x509_pkey *ret)
{
	ret->key_type = BR_KEYTYPE_RSA;
	ret->key.rsa.n = parts->n;
	ret->key.rsa.nlen = get_number(key, OSSL_PKEY_PARAM_RSA_N, parts->n, sizeof(parts->n));
	ret->key.rsa.e = parts->e;
	ret->key.rsa.elen = get_number(key, OSSL_PKEY_PARAM_RSA_E, parts->e, sizeof(parts->e));
	return EVP_PKEY_get_bits(key) >= 8 * CB_TLS_RSA_MIN;
}

static bool get_curve(const EVP_PKEY *key, struct parts *parts, br_x509_pkey *ret)
{
	char group[32];

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return false;
	bool is_p256 = strcmp(group, "prime256v1") == 0;
	if (!is_p256 && strcmp(group, "secp384r1") != 0)
		return false;
	ret->key_type = BR_KEYTYPE_EC;
	ret->key.ec.curve = is_p256 ? BR_EC_secp256r1 : BR_EC_secp384r1;
	ret->key.ec.q = parts->n;
	return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, parts->n,
					       sizeof(parts->n), &ret->key.ec.qlen) == 1;
}

/* The anchor's bytes; 0 when the key is of a kind that the loader does not take. */
static size_t write_anchor(const X509 *x, uint8_t out[CB_TLS_ANCHOR_MAX])
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	br_x509_trust_anchor anchor = { .flags = BR_X509_TA_CA };
	unsigned char *dn = NULL;
	struct parts parts;
	size_t len = 0;
	int dn_len = i2d_X509_NAME(X509_get_subject_name(x), &dn);

	if (key == NULL || dn_len <= 0)
		return 0;
	anchor.dn.data = dn;
	anchor.dn.len = (size_t)dn_len;
	if (EVP_PKEY_is_a(key, "RSA") ? get_rsa(key, &parts, &anchor.pkey) :
					get_curve(key, &parts, &anchor.pkey))
		len = cb_tls_anchor_write(&anchor, out);
	OPENSSL_free(dn);
	return len;
}

static enum cb_err add_certificate(X509 *x, const char *path, int64_t now_s,
				   struct cb_tls_files *files, struct cb_error *e)
{
	struct cb_tls_trust *trust = &files->trust;
	time_t now = (time_t)now_s;

	if (trust->n_anchors == CB_TLS_MAX_ANCHORS)
		return cb_fail(e, CB_USAGE, "--tls-ca %s: more than %d certificates", path,
			       CB_TLS_MAX_ANCHORS);
	if (X509_check_ca(x) != 1) {
		enum cb_err err = cb_fail(e, CB_USAGE,
					  "--tls-ca %s: not the certificate of an authority", path);
		cb_fail_hint(e, "pin a server's own key with --tls-pin");
		return err;
	}
	if (X509_cmp_time(X509_get0_notAfter(x), &now) < 0 ||
	    X509_cmp_time(X509_get0_notBefore(x), &now) > 0)
		return cb_fail(e, CB_USAGE, "--tls-ca %s: expired or not yet valid", path);
	uint8_t *out = files->anchors[trust->n_anchors];
	size_t len = write_anchor(x, out);
	if (len == 0) {
		enum cb_err err = cb_fail(e, CB_USAGE, "--tls-ca %s: unsuitable key", path);
		cb_fail_hint(e, "use RSA of 2048 to 4096 bits, P-256 or P-384");
		return err;
	}
	trust->anchors[trust->n_anchors++] = (struct cb_bytes){ out, len };
	return CB_OK;
}

static enum cb_err add_file(const char *path, int64_t now_s, struct cb_tls_files *files,
			    struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	unsigned n = 0;
	enum cb_err err = cb_file_read(path, PEM_MAX, &file, e);

	if (err != CB_OK)
		return err;
	cb_cleanup(free_bio) BIO *bio = BIO_new_mem_buf(file.p, (int)file.len);
	for (; bio != NULL; n++) {
		cb_cleanup(free_x509) X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (x == NULL)
			break;
		err = add_certificate(x, path, now_s, files, e);
		if (err != CB_OK)
			return err;
	}
	return n > 0 ? CB_OK :
		       cb_fail(e, CB_USAGE, "--tls-ca %s: no certificate in PEM format", path);
}

static enum cb_err add_pin(const char *text, struct cb_tls_trust *trust, struct cb_error *e)
{
	if (trust->n_pins == CB_TLS_MAX_PINS)
		return cb_fail(e, CB_USAGE, "--tls-pin given more than %d times", CB_TLS_MAX_PINS);
	if (cb_hex_decode(cb_bytes_of(text), trust->pins[trust->n_pins], CB_TLS_PIN_LEN)) {
		trust->n_pins++;
		return CB_OK;
	}
	enum cb_err err =
		cb_fail(e, CB_USAGE, "--tls-pin %s: not 64 lower-case hexadecimal digits", text);
	cb_fail_hint(e,
		     "it is the SHA-256 of the server's SubjectPublicKeyInfo; 'man "
		     "chunkboot-loader' has a command that prints it");
	return err;
}

enum cb_err cb_tls_files_read(const struct cb_tls_options *options, int64_t now_s,
			      struct cb_tls_files *ret, struct cb_error *e)
{
	enum cb_err err = CB_OK;

	memset(&ret->trust, 0, sizeof(ret->trust));
	for (unsigned i = 0; i < options->n_cas && err == CB_OK; i++)
		err = add_file(options->cas[i], now_s, ret, e);
	for (unsigned i = 0; i < options->n_pins && err == CB_OK; i++)
		err = add_pin(options->pins[i], &ret->trust, e);
	return err;
}

enum cb_err cb_tls_files_check_url(const struct cb_tls_trust *trust, const char *url,
				   struct cb_error *e)
{
	struct cb_url parsed;

	if (cb_url_parse_base(cb_bytes_of(url), &parsed) != CB_OK || !parsed.endpoint.is_tls ||
	    trust->n_anchors + trust->n_pins > 0)
		return CB_OK;
	enum cb_err err = cb_fail(e, CB_USAGE, "%s: nothing says which certificate to trust", url);
	cb_fail_hint(e,
		     "name the CA's certificate with --tls-ca, or the server's key with "
		     "--tls-pin");
	return err;
}
