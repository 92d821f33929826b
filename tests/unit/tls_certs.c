/* SPDX-License-Identifier: MIT */
/* Certificates for tests, by OpenSSL. */
#include "tls_certs.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "core/digest.h"
#include "testport.h"

static EVP_PKEY *keys[N_TLS_KEYS];

EVP_PKEY *tls_key(enum tls_key which)
{
	static const char *const curves[N_TLS_KEYS] = {
		[KEY_P384] = "P-384", [KEY_P521] = "P-521"
	};

	if (keys[which])
		return keys[which];
	if (which == KEY_RSA2048)
		keys[which] = EVP_RSA_gen(2048);
	else if (which == KEY_RSA1024)
		keys[which] = EVP_RSA_gen(1024);
	else if (which == KEY_ED25519)
		keys[which] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		keys[which] = EVP_EC_gen(curves[which] ? curves[which] : "P-256");
	assert_non_null(keys[which]);
	return keys[which];
}

void tls_certs_done(void)
{
	for (unsigned i = 0; i < N_TLS_KEYS; i++)
		EVP_PKEY_free(keys[i]);
	memset(keys, 0, sizeof(keys));
}

static void set_name(X509_NAME *name, const char *text)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
						    (const unsigned char *)text, -1, -1, 0),
			 1);
}

static void add_extension(X509 *x, const char *name, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	if (!value || !*value)
		return;
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf(NULL, &ctx, name, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void add_raw(X509 *x, const char *oid, bool is_critical, const uint8_t *der, size_t len)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(value, der, (int)len);
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, is_critical, value);
	assert_int_equal(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
}

static void add_extensions(X509 *x, const struct tls_spec *spec)
{
	uint8_t der[512];
	char name[64];

	add_extension(x, "basicConstraints", spec->basic);
	add_extension(x, "keyUsage", spec->usage);
	add_extension(x, "extendedKeyUsage", spec->purposes);
	if (spec->names_der)
		add_raw(x, "2.5.29.17", false, der,
			testport_hex(spec->names_der, der, sizeof(der)));
	else
		add_extension(x, "subjectAltName", spec->names ? spec->names : "DNS:boot.example");
	if (spec->critical)
		add_raw(x, spec->critical, true, (const uint8_t *)"\x05\0", 2);
	if (spec->extension) {
		const char *value = strchr(spec->extension, '=');
		snprintf(name, sizeof(name), "%.*s", (int)(value - spec->extension),
			 spec->extension);
		add_extension(x, name, value + 1);
	}
	if (spec->padding) {
		uint8_t *bytes = test_calloc(1, spec->padding);
		add_raw(x, "1.3.6.1.4.1.99999.1", false, bytes, spec->padding);
		test_free(bytes);
	}
}

X509 *tls_cert(const struct tls_spec *spec, EVP_PKEY *signer)
{
	bool is_valid = spec->from_s == 0 && spec->to_s == 0;
	X509 *x = X509_new();
	const EVP_MD *md = EVP_get_digestbyname(spec->md ? spec->md : "SHA256");

	X509_set_version(x, spec->is_version_1 ? X509_VERSION_1 : X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	ASN1_TIME_set(X509_getm_notBefore(x), TLS_CERTS_NOW + (is_valid ? -86400 : spec->from_s));
	ASN1_TIME_set(X509_getm_notAfter(x), TLS_CERTS_NOW + (is_valid ? 30 * 86400 : spec->to_s));
	set_name(X509_get_subject_name(x), spec->subject ? spec->subject : "server");
	set_name(X509_get_issuer_name(x), spec->issuer ? spec->issuer : "CA");
	X509_set_pubkey(x, tls_key(spec->key));
	if (!spec->is_version_1)
		add_extensions(x, spec);
	assert_true(X509_sign(x, signer, EVP_PKEY_is_a(signer, "ED25519") ? NULL : md) > 0);
	return x;
}

size_t tls_anchor(enum tls_key key, uint8_t out[CB_TLS_ANCHOR_MAX])
{
	uint8_t n[CB_TLS_RSA_MAX], e[CB_TLS_EXPONENT_MAX];
	br_x509_trust_anchor anchor = { .flags = BR_X509_TA_CA };
	X509_NAME *name = X509_NAME_new();
	unsigned char *dn = NULL;

	set_name(name, "CA");
	anchor.dn.len = (size_t)i2d_X509_NAME(name, &dn);
	anchor.dn.data = dn;
	if (EVP_PKEY_is_a(tls_key(key), "RSA")) {
		BIGNUM *number = NULL;
		EVP_PKEY_get_bn_param(tls_key(key), "n", &number);
		anchor.pkey = (br_x509_pkey){ .key_type = BR_KEYTYPE_RSA };
		anchor.pkey.key.rsa.n = n;
		anchor.pkey.key.rsa.nlen = (size_t)BN_bn2bin(number, n);
		BN_free(number);
		number = NULL;
		EVP_PKEY_get_bn_param(tls_key(key), "e", &number);
		anchor.pkey.key.rsa.e = e;
		anchor.pkey.key.rsa.elen = (size_t)BN_bn2bin(number, e);
		BN_free(number);
	} else {
		anchor.pkey.key_type = BR_KEYTYPE_EC;
		anchor.pkey.key.ec.curve = key == KEY_P384 ? BR_EC_secp384r1 : BR_EC_secp256r1;
		anchor.pkey.key.ec.q = n;
		EVP_PKEY_get_octet_string_param(tls_key(key), "pub", n, sizeof(n),
						&anchor.pkey.key.ec.qlen);
	}
	size_t len = cb_tls_anchor_write(&anchor, out);
	OPENSSL_free(dn);
	X509_NAME_free(name);
	assert_true(len > 0);
	return len;
}

void tls_pin(EVP_PKEY *key, uint8_t out[CB_TLS_PIN_LEN])
{
	unsigned char *spki = NULL;
	int len = i2d_PUBKEY(key, &spki);

	cb_sha256((struct cb_bytes){ spki, (size_t)len }, out);
	OPENSSL_free(spki);
}
