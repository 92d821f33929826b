/* SPDX-License-Identifier: MIT */
/* Static sign-in: names and passphrases in their one form, and the key derivation of DESIGN §5.4. */
#include "core/login.h"

#include <sodium/crypto_pwhash.h>
#include <string.h>

#include "core/digest.h"

enum cb_err cb_kdf_argon2id(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64])
{
	uint8_t k0[CB_LOGIN_KEY_LEN];

	(void)ctx;
	_Static_assert(crypto_pwhash_SALTBYTES == CB_LOGIN_SALT_LEN, "Argon2's salt");
	/* With parameters inside the limits, only the arena can fail. */
	if (crypto_pwhash(k0, sizeof(k0), (const char *)in->passphrase.p, in->passphrase.len,
			  in->salt, in->t, (size_t)in->m_kib * 1024,
			  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return CB_NO_MEMORY;
	memcpy(ret_k0, k0, sizeof(k0));
	cb_wipe(k0, sizeof(k0));
	return CB_OK;
}

static bool is_account_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
		c == '@' || c == '-';
}

enum cb_err cb_account_normalise(struct cb_bytes in, char out[CB_ACCOUNT_MAX + 1])
{
	char name[CB_ACCOUNT_MAX + 1];

	if (in.len == 0 || in.len > CB_ACCOUNT_MAX)
		return CB_ACCOUNT_SYNTAX;
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (!is_account_char(c))
			return CB_ACCOUNT_SYNTAX;
		name[i] = (char)c;
	}
	name[in.len] = '\0';
	memcpy(out, name, in.len + 1);
	return CB_OK;
}

enum cb_err cb_passphrase_normalise(struct cb_bytes in, char out[CB_PASSPHRASE_MAX + 1])
{
	char text[CB_PASSPHRASE_MAX + 1];
	enum cb_err err = CB_PASSPHRASE_SYNTAX;
	size_t len = 0, i;

	for (i = 0; i < in.len; i++) {
		bool is_blank = in.p[i] == ' ';

		if (in.p[i] < ' ' || in.p[i] > '~')
			break;
		if (is_blank && (len == 0 || text[len - 1] == ' '))
			continue;
		/* the place behind the maximum may hold a blank that is trimmed in the end */
		if (len + (is_blank ? 0 : 1) > CB_PASSPHRASE_MAX)
			break;
		text[len++] = (char)in.p[i];
	}
	if (len > 0 && text[len - 1] == ' ')
		len--;
	if (i == in.len && len > 0) {
		memcpy(out, text, len);
		out[len] = '\0';
		err = CB_OK;
	}
	cb_wipe(text, sizeof(text));
	return err;
}

/* BLAKE2b(key, label ‖ data). */
static void keyed_hash(const uint8_t *key, size_t key_len, const char *label, struct cb_bytes data,
		       uint8_t *out, size_t out_len)
{
	struct cb_blake2b h;

	cb_blake2b_init(&h, out_len, key, key_len);
	cb_blake2b_update(&h, label, strlen(label));
	if (data.len > 0)
		cb_blake2b_update(&h, data.p, data.len);
	cb_blake2b_final(&h, out);
}

static void make_salt(const struct cb_login_params *params, uint8_t out[CB_LOGIN_SALT_LEN])
{
	struct cb_bytes account = cb_bytes_of(params->account);
	uint8_t account_len = (uint8_t)account.len;
	struct cb_blake2b h;

	cb_blake2b_init(&h, CB_LOGIN_SALT_LEN, NULL, 0);
	cb_blake2b_update(&h, "cb1/salt", 8);
	cb_blake2b_update(&h, params->realm_id, 32);
	cb_blake2b_update(&h, &account_len, 1);
	cb_blake2b_update(&h, account.p, account.len);
	cb_blake2b_final(&h, out);
}

/* The work: perhaps on another processor, so nothing of the platform is touched. */
static void derive(void *arg)
{
	struct cb_derivation *d = arg;

	d->err = d->kdf(d->kdf_ctx, &d->input, d->k0);
	cb_wipe(d->passphrase, sizeof(d->passphrase));
	if (d->input.arena)
		cb_wipe(d->input.arena, d->input.arena_len);
}

enum cb_err cb_derivation_begin(struct cb_derivation *d, const struct cb_login_params *params)
{
	size_t len = strlen(params->passphrase);

	if (params->t < CB_KDF_MIN_T || params->t > CB_KDF_MAX_T ||
	    params->m_kib < CB_KDF_MIN_KIB || params->m_kib > CB_KDF_MAX_KIB)
		return CB_KDF_PARAMS;
	if (len > CB_PASSPHRASE_MAX)
		return CB_PASSPHRASE_SYNTAX;
	*d = (struct cb_derivation){
		.work = { .run = derive, .arg = d, .is_long = true },
		.kdf = params->kdf,
		.kdf_ctx = params->kdf_ctx,
		.input = { .passphrase = { (const uint8_t *)d->passphrase, len },
			   .salt = d->salt,
			   .t = params->t,
			   .m_kib = params->m_kib,
			   .arena = params->arena,
			   .arena_len = params->arena_len },
	};
	memcpy(d->passphrase, params->passphrase, len);
	make_salt(params, d->salt);
	return CB_OK;
}

enum cb_err cb_derivation_finish(struct cb_derivation *d, struct cb_bytes factor,
				 struct cb_login_keys *ret)
{
	enum cb_err err = d->err;
	uint8_t k[CB_LOGIN_KEY_LEN];

	if (err == CB_OK) {
		keyed_hash(d->k0, sizeof(d->k0), "cb1/factor", factor, k, sizeof(k));
		cb_login_from_key(k, ret);
		cb_wipe(k, sizeof(k));
	}
	cb_wipe(d, sizeof(*d));
	return err;
}

enum cb_err cb_login_derive(const struct cb_login_params *params, struct cb_login_keys *ret)
{
	struct cb_derivation d;
	enum cb_err err = cb_derivation_begin(&d, params);

	if (err != CB_OK)
		return err;
	cb_work_run(&d.work, 0);
	return cb_derivation_finish(&d, params->factor, ret);
}

void cb_login_from_key(const uint8_t k[CB_LOGIN_KEY_LEN], struct cb_login_keys *ret)
{
	const struct cb_bytes nothing = { 0 };

	memcpy(ret->k, k, CB_LOGIN_KEY_LEN);
	keyed_hash(ret->k, 32, "cb1/locator", nothing, ret->locator, sizeof(ret->locator));
	keyed_hash(ret->k + 32, 32, "cb1/kek", nothing, ret->kek, sizeof(ret->kek));
}

void cb_record_path(const uint8_t locator[32], char out[CB_RECORD_PATH_MAX])
{
	static const char prefix[] = "accounts/";
	char *p = out;

	memcpy(p, prefix, sizeof(prefix) - 1);
	p += sizeof(prefix) - 1;
	cb_hex_encode(locator, 1, p);
	p[2] = '/';
	cb_hex_encode(locator, 32, p + 3);
}
