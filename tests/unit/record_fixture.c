/* SPDX-License-Identifier: MIT */
/* An account record to take apart, for the tests of its reader and its writer. */
#include "record_fixture.h"

#include <sodium/crypto_sign.h>
#include <stdlib.h>
#include <string.h>

#include "core/record_format.h"
#include "testport.h"

static bool is_signed(const void *ctx, struct cb_bytes msg, const uint8_t sig[64])
{
	const struct record_fixture *f = ctx;

	return crypto_sign_verify_detached(sig, msg.p, msg.len, f->key.public_key) == 0;
}

static bool is_revoked(const void *ctx, const uint8_t locator[32])
{
	const struct record_fixture *f = ctx;

	assert_memory_equal(locator, f->login.locator, 32);
	return f->is_revoked;
}

void record_fixture_init(struct record_fixture *f)
{
	static const uint8_t seed[32] = { 1 };
	uint8_t k[CB_LOGIN_KEY_LEN];

	*f = (struct record_fixture){ 0 };
	cb_key_from_seed(seed, &f->key);
	memset(k, 7, sizeof(k));
	cb_login_from_key(k, &f->login);
	memset(f->record_key, 9, sizeof(f->record_key));
	memset(f->uid, 3, sizeof(f->uid));
	f->content = (struct cb_record){
		.epoch = 5,
		.body_seq = 2,
		.issued_s = RECORD_NOW,
		.expires_s = RECORD_NOW + CB_RECORD_MAX_LIFETIME_S,
		.uid = { f->uid, sizeof(f->uid) },
		.display_name = cb_bytes_of("Ada L\xc3\xb6velace"),
		.n_envs = 2,
		.envs = { { .target = cb_bytes_of("debian"),
			    .label = cb_bytes_of("Work"),
			    .cmdline_suffix = cb_bytes_of("lang=de quiet"),
			    .is_default = true },
			  { .target = cb_bytes_of("rescue/2026.1.cbm") } },
		.n_credentials = 2,
		.credentials = { { cb_bytes_of("ssh.key"), cb_bytes_of("hunter2") },
				 { cb_bytes_of("empty"), cb_bytes_of("") } },
		.policy = { .offline_days = 14 },
	};
	f->check = (struct cb_record_check){
		.is_signed = is_signed,
		.is_revoked = is_revoked,
		.ctx = f,
		.min_epoch = 5,
		.now_s = RECORD_NOW + 1,
	};
}

size_t record_fixture_seal(const struct record_fixture *f, uint8_t out[CB_RECORD_MAX_LEN])
{
	const struct cb_record_seal seal = {
		.content = &f->content,
		.record_key = f->record_key,
		.login = &f->login,
		.accounts_key = &f->key,
	};
	size_t len = 0;

	assert_int_equal(cb_record_seal(&seal, out, &len), CB_OK);
	assert_true(len == 4096 || len == 16384 || len == CB_RECORD_MAX_LEN);
	return len;
}

void record_fixture_sign(const struct record_fixture *f, uint8_t *file, size_t len)
{
	const size_t context_len = sizeof(CB_RECORD_CONTEXT);
	uint8_t *msg = malloc(context_len + len);

	assert_non_null(msg);
	memcpy(msg, CB_RECORD_CONTEXT, context_len);
	memcpy(msg + context_len, file, len - 64);
	cb_key_sign(&f->key, (struct cb_bytes){ msg, context_len + len - 64 }, file + len - 64);
	free(msg);
}
