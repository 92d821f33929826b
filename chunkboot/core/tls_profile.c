/* SPDX-License-Identifier: MIT */
/* What is offered to a TLS server: versions, suites, curves, and the code that does them. */
#include "core/tls_internal.h"

/* ---- Curves ---- */

static const br_ec_impl *ec_of(int curve)
{
	return curve == BR_EC_curve25519 ? &br_ec_c25519_m31 : &br_ec_prime_i31;
}

static const unsigned char *ec_generator(int curve, size_t *len)
{
	return ec_of(curve)->generator(curve, len);
}

static const unsigned char *ec_order(int curve, size_t *len)
{
	return ec_of(curve)->order(curve, len);
}

static size_t ec_xoff(int curve, size_t *len)
{
	return ec_of(curve)->xoff(curve, len);
}

/* A product of zero comes from a bad point, and must be refused (RFC 8422 §5.11). */
static uint32_t ec_mul(unsigned char *point, size_t len, const unsigned char *x, size_t xlen,
		       int curve)
{
	uint32_t is_good = ec_of(curve)->mul(point, len, x, xlen, curve);
	unsigned any = 0;

	for (size_t i = 0; i < len; i++)
		any |= point[i];
	return is_good & (any != 0);
}

static size_t ec_mulgen(unsigned char *ret, const unsigned char *x, size_t xlen, int curve)
{
	return ec_of(curve)->mulgen(ret, x, xlen, curve);
}

// NOLINTNEXTLINE(readability-function-size): the parameters are BearSSL's
static uint32_t ec_muladd(unsigned char *a, const unsigned char *b, size_t len,
			  const unsigned char *x, size_t xlen, const unsigned char *y, size_t ylen,
			  int curve)
{
	return ec_of(curve)->muladd(a, b, len, x, xlen, y, ylen, curve);
}

const br_ec_impl cb_tls_ec = {
	.supported_curves = 1u << BR_EC_secp256r1 | 1u << BR_EC_secp384r1 | 1u << BR_EC_curve25519,
	.generator = ec_generator,
	.order = ec_order,
	.xoff = ec_xoff,
	.mul = ec_mul,
	.mulgen = ec_mulgen,
	.muladd = ec_muladd,
};

/* ---- Suites ---- */

/* In order of preference. AES comes first where the processor has it, and not at all elsewhere. */
static const uint16_t suites[] = {
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
};
#define N_AES_SUITES 4u
#define N_SUITES (sizeof suites / sizeof suites[0])

static bool set_aes(br_ssl_engine_context *engine)
{
	const br_block_ctr_class *ctr = br_aes_x86ni_ctr_get_vtable();
	br_ghash ghash = br_ghash_pclmul_get();

	if (!ctr || !ghash)
		return false;
	br_ssl_engine_set_gcm(engine, &br_sslrec_in_gcm_vtable, &br_sslrec_out_gcm_vtable);
	br_ssl_engine_set_aes_ctr(engine, ctr);
	br_ssl_engine_set_ghash(engine, ghash);
	return true;
}

static void set_chacha20(br_ssl_engine_context *engine)
{
	br_chacha20_run chacha20 = br_chacha20_sse2_get();

	br_ssl_engine_set_chapol(engine, &br_sslrec_in_chapol_vtable, &br_sslrec_out_chapol_vtable);
	br_ssl_engine_set_chacha20(engine, chacha20 ? chacha20 : br_chacha20_ct_run);
	br_ssl_engine_set_poly1305(engine, br_poly1305_ctmulq_run);
}

void cb_tls_set_profile(br_ssl_engine_context *engine)
{
	unsigned first = set_aes(engine) ? 0 : N_AES_SUITES;

	br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(engine, suites + first, N_SUITES - first);
	br_ssl_engine_add_flags(engine, BR_OPT_NO_RENEGOTIATION);
	set_chacha20(engine);
	br_ssl_engine_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(engine, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(engine, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(engine, br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(engine, br_tls12_sha384_prf);
	br_ssl_engine_set_ec(engine, &cb_tls_ec);
	br_ssl_engine_set_ecdsa(engine, br_ecdsa_i31_vrfy_asn1);
	br_ssl_engine_set_rsavrfy(engine, br_rsa_i31_pkcs1_vrfy);
}
