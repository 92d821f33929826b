/* SPDX-License-Identifier: MIT */
/* Wycheproof's vectors, through the implementations that the loader's TLS and sign-in use. */
#include <sodium.h>
#include <string.h>

#include "answers.h"
#include "core/aead.h"
#include "core/text.h"
#include "core/tls_internal.h"

#define HASH_MAX 64u
#define POINT_MAX 97u
#define SIGNATURE_MAX 1024u

/* What TLS is set up with: the engine that a connection of the loader has. */
static const br_ssl_engine_context *engine(void)
{
	static br_ssl_client_context client;
	static bool is_set;

	if (!is_set) {
		br_ssl_client_zero(&client);
		cb_tls_set_profile(&client.eng);
		is_set = true;
	}
	return &client.eng;
}

/* Certificates are checked by another part of BearSSL, which is told the same functions. */
bool answer_certificates_agree(void)
{
	static struct cb_tls_check check;
	static struct cb_tls tls;

	cb_tls_check_init(&check, &tls, "a");
	return check.minimal.irsa == engine()->irsavrfy &&
		check.minimal.iecdsa == engine()->iecdsa && check.minimal.iec == engine()->iec;
}

/* ---- Sign-in and accounts: libsodium ---- */

static bool ed25519(const struct answer_vector *v)
{
	if (v->key.len != crypto_sign_PUBLICKEYBYTES || v->sealed.len != crypto_sign_BYTES)
		return false;
	return crypto_sign_verify_detached(v->sealed.p, v->msg.p, v->msg.len, v->key.p) == 0;
}

static bool opens(const struct answer_vector *v)
{
	static uint8_t plain[ANSWER_MESSAGE_MAX];

	return cb_aead_open(v->key.p, v->nonce.p, v->aad, v->sealed, plain) &&
		cb_bytes_equal((struct cb_bytes){ plain, v->sealed.len - CB_AEAD_TAG_LEN }, v->msg);
}

static bool seals(const struct answer_vector *v)
{
	static uint8_t sealed[ANSWER_MESSAGE_MAX];
	unsigned long long len = 0;

	return crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, &len, v->msg.p, v->msg.len,
							  v->aad.p, v->aad.len, NULL, v->nonce.p,
							  v->key.p) == 0 &&
		cb_bytes_equal((struct cb_bytes){ sealed, (size_t)len }, v->sealed);
}

static bool xchacha20_poly1305(const struct answer_vector *v)
{
	if (v->key.len != crypto_aead_xchacha20poly1305_ietf_KEYBYTES ||
	    v->nonce.len != crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
		return false;
	return opens(v) && (v->result != ANSWER_VALID || seals(v));
}

/* ---- TLS records ---- */

#define TAG_LEN 16u

/* Turns data[len] into the other form in place, and computes the tag over it. */
typedef void run_aead(const struct answer_vector *v, uint8_t *data, size_t len, uint8_t *tag,
		      bool seal);

static void run_gcm(const struct answer_vector *v, uint8_t *data, size_t len, uint8_t *tag,
		    bool seal)
{
	br_aes_gen_ctr_keys keys;
	br_gcm_context gcm;

	engine()->iaes_ctr->init(&keys.vtable, v->key.p, v->key.len);
	br_gcm_init(&gcm, &keys.vtable, engine()->ighash);
	br_gcm_reset(&gcm, v->nonce.p, v->nonce.len);
	br_gcm_aad_inject(&gcm, v->aad.p, v->aad.len);
	br_gcm_flip(&gcm);
	br_gcm_run(&gcm, seal, data, len);
	br_gcm_get_tag(&gcm, tag);
}

static void run_chapol(const struct answer_vector *v, uint8_t *data, size_t len, uint8_t *tag,
		       bool seal)
{
	engine()->ipoly(v->key.p, v->nonce.p, data, len, v->aad.p, v->aad.len, tag,
			engine()->ichacha, seal);
}

/* Sealing gives the vector's bytes, and opening these gives the message. */
static bool both_ways(const struct answer_vector *v, run_aead *run)
{
	static uint8_t data[ANSWER_MESSAGE_MAX];
	uint8_t tag[TAG_LEN];
	size_t len = v->msg.len;

	if (v->sealed.len != len + TAG_LEN || len > sizeof(data))
		return false;
	memcpy(data, v->sealed.p, len);
	run(v, data, len, tag, /*seal=*/false);
	if (memcmp(tag, v->sealed.p + len, TAG_LEN) != 0 || memcmp(data, v->msg.p, len) != 0)
		return false;
	run(v, data, len, tag, /*seal=*/true);
	return memcmp(tag, v->sealed.p + len, TAG_LEN) == 0 && memcmp(data, v->sealed.p, len) == 0;
}

static bool aes_gcm(const struct answer_vector *v)
{
	return both_ways(v, run_gcm);
}

static bool chacha20_poly1305(const struct answer_vector *v)
{
	return v->key.len == 32 && v->nonce.len == 12 && both_ways(v, run_chapol);
}

/* ---- TLS handshake: what keys are derived with ---- */

static bool hmac_sha256(const struct answer_vector *v)
{
	br_hmac_key_context key;
	br_hmac_context hmac;
	uint8_t tag[br_sha256_SIZE];

	br_hmac_key_init(&key, br_multihash_getimpl(&engine()->mhash, br_sha256_ID), v->key.p,
			 v->key.len);
	br_hmac_init(&hmac, &key, v->sealed.len);
	br_hmac_update(&hmac, v->msg.p, v->msg.len);
	return br_hmac_out(&hmac, tag) == v->sealed.len &&
		memcmp(tag, v->sealed.p, v->sealed.len) == 0;
}

static struct cb_bytes without_zeros(struct cb_bytes number)
{
	while (number.len > 0 && number.p[0] == 0)
		number = (struct cb_bytes){ number.p + 1, number.len - 1 };
	return number;
}

/* As the client does with the server's point: the product, and of it the X coordinate. */
static bool ecdh(int curve, struct cb_bytes public, struct cb_bytes private, struct cb_bytes shared)
{
	const br_ec_impl *ec = engine()->iec;
	uint8_t point[POINT_MAX];
	size_t len, at = ec->xoff(curve, &len);

	if (public.len > sizeof(point))
		return false;
	memcpy(point, public.p, public.len);
	return ec->mul(point, public.len, private.p, private.len, curve) &&
		cb_bytes_equal((struct cb_bytes){ point + at, len }, shared);
}

static bool x25519(const struct answer_vector *v)
{
	return ecdh(BR_EC_curve25519, v->msg, v->key, v->sealed);
}

static bool ecdh_p256(const struct answer_vector *v)
{
	return ecdh(BR_EC_secp256r1, v->msg, without_zeros(v->key), v->sealed);
}

/* TLS has the bare point: of what is around it only the one right form can be meant. */
static bool ecdh_p256_spki(const struct answer_vector *v)
{
	static const uint8_t head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
					0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
					0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
	struct cb_bytes point = { v->msg.p + sizeof(head), v->msg.len - sizeof(head) };

	return v->msg.len > sizeof(head) && memcmp(v->msg.p, head, sizeof(head)) == 0 &&
		ecdh(BR_EC_secp256r1, point, without_zeros(v->key), v->sealed);
}

/* ---- Signatures of handshakes and certificates ---- */

static size_t hash_of(int id, struct cb_bytes msg, uint8_t ret[HASH_MAX])
{
	const br_hash_class *hash = br_multihash_getimpl(&engine()->mhash, id);
	br_hash_compat_context s;

	hash->init(&s.vtable);
	hash->update(&s.vtable, msg.p, msg.len);
	hash->out(&s.vtable, ret);
	return (size_t)(hash->desc >> BR_HASHDESC_OUT_OFF) & BR_HASHDESC_OUT_MASK;
}

static unsigned char *as_unsigned(struct cb_bytes bytes)
{
	return (unsigned char *)(uintptr_t)bytes.p;
}

static bool ecdsa(const struct answer_vector *v, int curve, int hash_id, br_ecdsa_vrfy verify)
{
	const br_ec_public_key key = { curve, as_unsigned(v->key), v->key.len };
	uint8_t hash[HASH_MAX];
	size_t len = hash_of(hash_id, v->msg, hash);

	return verify(engine()->iec, hash, len, &key, v->sealed.p, v->sealed.len) == 1;
}

static bool ecdsa_p256(const struct answer_vector *v)
{
	return ecdsa(v, BR_EC_secp256r1, br_sha256_ID, engine()->iecdsa);
}

static bool ecdsa_p384(const struct answer_vector *v)
{
	return ecdsa(v, BR_EC_secp384r1, br_sha384_ID, engine()->iecdsa);
}

/* What the form in DER is turned into first. */
static bool ecdsa_p256_raw(const struct answer_vector *v)
{
	return ecdsa(v, BR_EC_secp256r1, br_sha256_ID, br_ecdsa_i31_vrfy_raw);
}

static bool ecdsa_p384_raw(const struct answer_vector *v)
{
	return ecdsa(v, BR_EC_secp384r1, br_sha384_ID, br_ecdsa_i31_vrfy_raw);
}

static bool rsa(const struct answer_vector *v, int hash_id, const unsigned char *oid)
{
	struct cb_bytes n = without_zeros(v->key);
	const br_rsa_public_key key = { as_unsigned(n), n.len, as_unsigned(v->nonce),
					v->nonce.len };
	uint8_t want[HASH_MAX], got[HASH_MAX];
	size_t len = hash_of(hash_id, v->msg, want);

	return engine()->irsavrfy(v->sealed.p, v->sealed.len, oid, len, &key, got) == 1 &&
		memcmp(got, want, len) == 0;
}

static bool rsa_sha256(const struct answer_vector *v)
{
	return rsa(v, br_sha256_ID, BR_HASH_OID_SHA256);
}

static bool rsa_sha512(const struct answer_vector *v)
{
	return rsa(v, br_sha512_ID, BR_HASH_OID_SHA512);
}

/* ---- Files ---- */

static const struct {
	const char *title;
	bool (*takes)(const struct answer_vector *v);
} files[ANSWER_FILES] = {
	[ANSWER_ED25519] = { "Wycheproof Ed25519", ed25519 },
	[ANSWER_XCHACHA20_POLY1305] = { "Wycheproof XChaCha20-Poly1305", xchacha20_poly1305 },
	[ANSWER_AES_GCM] = { "Wycheproof AES-GCM", aes_gcm },
	[ANSWER_CHACHA20_POLY1305] = { "Wycheproof ChaCha20-Poly1305", chacha20_poly1305 },
	[ANSWER_HMAC_SHA256] = { "Wycheproof HMAC-SHA-256", hmac_sha256 },
	[ANSWER_X25519] = { "Wycheproof X25519", x25519 },
	[ANSWER_ECDH_P256] = { "Wycheproof ECDH P-256, points", ecdh_p256 },
	[ANSWER_ECDH_P256_SPKI] = { "Wycheproof ECDH P-256, ASN.1", ecdh_p256_spki },
	[ANSWER_ECDSA_P256] = { "Wycheproof ECDSA P-256", ecdsa_p256 },
	[ANSWER_ECDSA_P256_RAW] = { "Wycheproof ECDSA P-256, P1363", ecdsa_p256_raw },
	[ANSWER_ECDSA_P384] = { "Wycheproof ECDSA P-384", ecdsa_p384 },
	[ANSWER_ECDSA_P384_RAW] = { "Wycheproof ECDSA P-384, P1363", ecdsa_p384_raw },
	[ANSWER_RSA_2048] = { "Wycheproof RSA 2048", rsa_sha256 },
	[ANSWER_RSA_3072] = { "Wycheproof RSA 3072", rsa_sha256 },
	[ANSWER_RSA_4096] = { "Wycheproof RSA 4096", rsa_sha256 },
	[ANSWER_RSA_4096_SHA512] = { "Wycheproof RSA 4096, SHA-512", rsa_sha512 },
};

const char *answer_title(enum answer_file file)
{
	return files[file].title;
}

bool answer_is_possible(enum answer_file file)
{
	return file != ANSWER_AES_GCM || engine()->iaes_ctr;
}

/* The word is among those of a text that has a space before and behind each. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; *text; text++)
		if (text[0] == ' ' && strncmp(text + 1, word, len) == 0 && text[1 + len] == ' ')
			return true;
	return false;
}

static bool is_of(const struct answer_class *c, const struct answer_vector *v)
{
	char id[16];
	struct cb_text t = cb_text_of(id, sizeof(id));

	cb_text_put_u64(&t, v->id);
	if (c->file != v->file || !has_word(v->flags, c->flag))
		return false;
	return c->ids ? has_word(c->ids, id) : v->result != ANSWER_VALID;
}

bool answer_agrees(const struct answer_vector *v, struct answer_score *score)
{
	bool is_decided = v->result != ANSWER_ACCEPTABLE, want = v->result == ANSWER_VALID;
	bool is_good;

	for (unsigned i = 0; i < n_answer_classes; i++) {
		if (!is_of(&answer_classes[i], v))
			continue;
		is_decided = true;
		want = answer_classes[i].is_taken;
		score->n_class[i]++;
		break;
	}
	is_good = is_decided && v->sealed.len <= ANSWER_MESSAGE_MAX &&
		files[v->file].takes(v) == want;
	score->n++;
	score->n_wrong += !is_good;
	return is_good;
}

bool answer_score_is_good(enum answer_file file, const struct answer_score *score)
{
	for (unsigned i = 0; i < n_answer_classes; i++)
		if (answer_classes[i].file == file && score->n_class[i] != answer_classes[i].n)
			return false;
	return score->n > 0 && score->n_wrong == 0;
}
