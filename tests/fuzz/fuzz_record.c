/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the account record. The first byte chooses: 0 a body for the parser, 1 a record file whose
 * signature counts as good, anything else a body that is sealed with the keys the reader has.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/record_body.h"
#include "core/record_format.h"
#include "host/record_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t file[CB_RECORD_MAX_LEN];

static void *fuzz_alloc(void *ctx, size_t len)
{
	(void)ctx;
	return malloc(len);
}

static void fuzz_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static const struct cb_mem mem = { .alloc = fuzz_alloc, .free = fuzz_free };

static bool is_signed(const void *ctx, struct cb_bytes msg, const uint8_t sig[64])
{
	(void)ctx;
	(void)sig;
	return msg.len > sizeof(CB_RECORD_CONTEXT);
}

static bool is_revoked(const void *ctx, const uint8_t locator[32])
{
	(void)ctx;
	return locator[0] == 0xff;
}

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

/* What the rest of the loader relies on. */
static void check_record(const struct cb_record *r)
{
	size_t total = 0;

	require(r->uid.len == 16 && r->n_envs <= CB_RECORD_MAX_ENVS);
	require(r->n_credentials <= CB_RECORD_MAX_CREDENTIALS);
	require(cb_bytes_is_text(r->display_name));
	for (unsigned i = 0; i < r->n_envs; i++)
		require(cb_record_is_target(r->envs[i].target) &&
			cb_record_is_label(r->envs[i].label) &&
			cb_record_is_suffix(r->envs[i].cmdline_suffix));
	for (unsigned i = 0; i < r->n_credentials; i++) {
		require(cb_record_is_credential_name(r->credentials[i].name));
		total += r->credentials[i].value.len;
	}
	require(total <= CB_RECORD_MAX_CREDENTIALS_LEN);
}

static void fuzz_body(struct cb_bytes body)
{
	struct cb_record r = { 0 };

	if (cb_record_parse_body(body, &r) == CB_OK)
		check_record(&r);
}

static bool fuzz_open(size_t len, const struct cb_login_keys *login)
{
	const struct cb_record_check check = { is_signed, is_revoked, NULL, 0, 1 };
	struct cb_record r;

	if (cb_record_open(&mem, (struct cb_bytes){ file, len }, login, &check, &r) != CB_OK)
		return false;
	check_record(&r);
	cb_record_done(&r);
	return true;
}

/* A file as it came, stretched to a stored size. */
static void fuzz_file(struct cb_bytes in, const struct cb_login_keys *login)
{
	size_t len = in.len <= 4096 ? 4096 : in.len <= 16384 ? 16384 : sizeof(file);

	memset(file, 0, sizeof(file));
	memcpy(file, in.p, in.len < len ? in.len : len);
	fuzz_open(len, login);
}

/* Seals with the writer what the parser understood of the body, and opens it again. */
static void fuzz_sealed(struct cb_bytes body, const struct cb_login_keys *login)
{
	static const uint8_t seed[32] = { 1 };
	static uint8_t copy[CB_RECORD_MAX_BODY_LEN];
	struct cb_record content = { 0 };
	uint8_t record_key[CB_RECORD_KEY_LEN] = { 2 };
	struct cb_key key;
	size_t len;

	if (body.len > sizeof(copy))
		return;
	memcpy(copy, body.p, body.len);
	if (cb_record_parse_body((struct cb_bytes){ copy, body.len }, &content) != CB_OK)
		return;
	content.body = copy;
	content.body_len = body.len;
	content.expires_s = 2;
	cb_key_from_seed(seed, &key);
	const struct cb_record_seal seal = {
		.content = &content,
		.record_key = record_key,
		.login = login,
		.accounts_key = &key,
	};
	if (cb_record_seal(&seal, file, &len) == CB_OK)
		require(fuzz_open(len, login));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t k[CB_LOGIN_KEY_LEN] = { 3 };
	struct cb_login_keys login;

	if (len == 0)
		return 0;
	const struct cb_bytes rest = { data + 1, len - 1 };
	cb_login_from_key(k, &login);
	if (data[0] == 0)
		fuzz_body(rest);
	else if (data[0] == 1)
		fuzz_file(rest, &login);
	else
		fuzz_sealed(rest, &login);
	return 0;
}
