/* SPDX-License-Identifier: MIT */
/* Writes account records (docs/FORMATS-record.md). */
#include "host/record_seal.h"

#include <sodium.h>
#include <string.h>

#include "core/record_body.h"
#include "core/record_format.h"
#include "host/heap.h"

/* ---- Body ---- */

/* Appends entries; what does not fit is remembered, never written. */
struct writer {
	uint8_t *p;
	size_t len, max;
	bool overflowed;
};

static void put(struct writer *w, const void *data, size_t len)
{
	if (w->overflowed || len > w->max - w->len) {
		w->overflowed = true;
		return;
	}
	if (len > 0)
		memcpy(w->p + w->len, data, len);
	w->len += len;
}

static void put_head(struct writer *w, uint16_t tag, size_t len)
{
	uint8_t head[CB_RECORD_ENTRY_HEAD_LEN];

	if (len > UINT32_MAX)
		w->overflowed = true;
	cb_put_le16(head, tag);
	cb_put_le32(head + 2, (uint32_t)len);
	put(w, head, sizeof(head));
}

static void put_entry(struct writer *w, uint16_t tag, struct cb_bytes value)
{
	put_head(w, tag, value.len);
	put(w, value.p, value.len);
}

static void put_if_any(struct writer *w, uint16_t tag, struct cb_bytes value)
{
	if (value.len > 0)
		put_entry(w, tag, value);
}

/* An entry whose value is nested: its length is filled in when it is complete. */
static size_t begin_nested(struct writer *w, uint16_t tag)
{
	put_head(w, tag, 0);
	return w->len;
}

static void end_nested(struct writer *w, size_t start)
{
	if (!w->overflowed)
		cb_put_le32(w->p + start - 4, (uint32_t)(w->len - start));
}

static void put_environment(struct writer *w, const struct cb_environment *env)
{
	size_t start = begin_nested(w, CB_RECORD_TAG_ENVIRONMENT);

	put_entry(w, CB_RECORD_ENV_TARGET, env->target);
	put_if_any(w, CB_RECORD_ENV_LABEL, env->label);
	put_if_any(w, CB_RECORD_ENV_SUFFIX, env->cmdline_suffix);
	if (env->is_default)
		put_head(w, CB_RECORD_ENV_DEFAULT, 0);
	end_nested(w, start);
}

static void put_credential(struct writer *w, const struct cb_credential *c)
{
	size_t start = begin_nested(w, CB_RECORD_TAG_CREDENTIAL);

	put_entry(w, CB_RECORD_CREDENTIAL_NAME, c->name);
	put_entry(w, CB_RECORD_CREDENTIAL_VALUE, c->value);
	end_nested(w, start);
}

static void put_policy(struct writer *w, const struct cb_record_policy *policy)
{
	uint8_t days[4];

	if (policy->offline_days == 0)
		return;
	cb_put_le32(days, policy->offline_days);
	size_t start = begin_nested(w, CB_RECORD_TAG_POLICY);
	put_entry(w, CB_RECORD_POLICY_OFFLINE_DAYS, (struct cb_bytes){ days, sizeof(days) });
	end_nested(w, start);
}

static bool is_written_here(uint16_t tag)
{
	return tag == CB_RECORD_TAG_UID || tag == CB_RECORD_TAG_DISPLAY_NAME ||
		tag == CB_RECORD_TAG_ENVIRONMENT || tag == CB_RECORD_TAG_CREDENTIAL ||
		tag == CB_RECORD_TAG_POLICY;
}

/* What another part or a newer version put into the record stays. */
static void carry_over(struct writer *w, struct cb_bytes old_body)
{
	struct cb_reader r = cb_reader_of(old_body);

	while (r.rest.len > 0 && !r.failed) {
		uint16_t tag = cb_read_le16(&r);
		struct cb_bytes value = cb_read_bytes(&r, cb_read_le32(&r));

		if (!r.failed && !is_written_here(tag))
			put_entry(w, tag, value);
	}
}

/* Writes the body and reads it back: what the loader would refuse is never sealed. */
static enum cb_err make_body(const struct cb_record *c, struct writer *w)
{
	struct cb_record parsed = { 0 };

	if (c->n_envs > CB_RECORD_MAX_ENVS || c->n_credentials > CB_RECORD_MAX_CREDENTIALS)
		return CB_RECORD_FORMAT;
	put_entry(w, CB_RECORD_TAG_UID, c->uid);
	put_if_any(w, CB_RECORD_TAG_DISPLAY_NAME, c->display_name);
	for (unsigned i = 0; i < c->n_envs; i++)
		put_environment(w, &c->envs[i]);
	for (unsigned i = 0; i < c->n_credentials; i++)
		put_credential(w, &c->credentials[i]);
	put_policy(w, &c->policy);
	carry_over(w, (struct cb_bytes){ c->body, c->body_len });
	if (w->overflowed)
		return CB_RECORD_FORMAT;
	return cb_record_parse_body((struct cb_bytes){ w->p, w->len }, &parsed);
}

/* ---- File ---- */

static size_t stored_len(size_t body_len)
{
	size_t need = CB_RECORD_AT_BODY + body_len + CB_RECORD_TAG_LEN + CB_RECORD_SIGNATURE_LEN;

	return need <= 4096 ? 4096 : need <= 16384 ? 16384 : CB_RECORD_MAX_LEN;
}

static bool is_record(struct cb_bytes file)
{
	return (file.len == 4096 || file.len == 16384 || file.len == CB_RECORD_MAX_LEN) &&
		memcmp(file.p, CB_RECORD_MAGIC, 4) == 0 &&
		cb_le16(file.p + CB_RECORD_AT_VERSION) == CB_RECORD_VERSION &&
		cb_le16(file.p + CB_RECORD_AT_SUITE) == CB_RECORD_SUITE;
}

static bool are_dates_good(const struct cb_record_dates *d)
{
	return d->issued_s >= 0 && d->expires_s >= d->issued_s &&
		d->expires_s - d->issued_s <= CB_RECORD_MAX_LIFETIME_S;
}

static void put_dates(uint8_t *out, const struct cb_record_dates *d)
{
	cb_put_le64(out + CB_RECORD_AT_EPOCH, d->epoch);
	cb_put_le64(out + CB_RECORD_AT_ISSUED, (uint64_t)d->issued_s);
	cb_put_le64(out + CB_RECORD_AT_EXPIRES, (uint64_t)d->expires_s);
}

static void wrap_key(const struct cb_login_keys *login, const uint8_t *record_key, uint8_t *out)
{
	uint8_t *nonce = out + CB_RECORD_AT_WRAP_NONCE;

	memcpy(out + CB_RECORD_AT_LOCATOR, login->locator, 32);
	cb_record_commit(login->kek, out + CB_RECORD_AT_COMMIT);
	randombytes_buf(nonce, CB_RECORD_NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + CB_RECORD_AT_WRAPPED, NULL, record_key,
						   CB_RECORD_KEY_LEN, login->locator, 32, NULL,
						   nonce, login->kek);
}

static void copy_wrapped_key(struct cb_bytes previous, uint8_t *out)
{
	memcpy(out + CB_RECORD_AT_LOCATOR, previous.p + CB_RECORD_AT_LOCATOR, 32);
	memcpy(out + CB_RECORD_AT_COMMIT, previous.p + CB_RECORD_AT_COMMIT,
	       CB_RECORD_AT_BODY_NONCE - CB_RECORD_AT_COMMIT);
}

static void seal_body(const uint8_t *record_key, const struct writer *body, uint8_t *out)
{
	uint8_t *nonce = out + CB_RECORD_AT_BODY_NONCE;

	randombytes_buf(nonce, CB_RECORD_NONCE_LEN);
	cb_put_le32(out + CB_RECORD_AT_BODY_LEN, (uint32_t)(body->len + CB_RECORD_TAG_LEN));
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + CB_RECORD_AT_BODY, NULL, body->p,
						   body->len, out, CB_RECORD_AAD_LEN, NULL, nonce,
						   record_key);
}

static enum cb_err sign(uint8_t *file, size_t len, const struct cb_key *key)
{
	const size_t context_len = sizeof(CB_RECORD_CONTEXT), /* with its NUL */
		signed_len = len - CB_RECORD_SIGNATURE_LEN;
	uint8_t *msg = cb_alloc(&cb_heap, context_len + signed_len);

	if (msg == NULL)
		return CB_NO_MEMORY;
	memcpy(msg, CB_RECORD_CONTEXT, context_len);
	memcpy(msg + context_len, file, signed_len);
	cb_key_sign(key, (struct cb_bytes){ msg, context_len + signed_len }, file + signed_len);
	cb_free(&cb_heap, msg);
	return CB_OK;
}

static enum cb_err write_file(const struct cb_record_seal *params, const struct writer *body,
			      uint8_t *out, size_t *ret_len)
{
	const struct cb_record *c = params->content;
	const struct cb_record_dates dates = { c->epoch, c->issued_s, c->expires_s };
	size_t len = stored_len(body->len);

	memset(out, 0, len);
	memcpy(out, CB_RECORD_MAGIC, 4);
	cb_put_le16(out + CB_RECORD_AT_VERSION, CB_RECORD_VERSION);
	cb_put_le16(out + CB_RECORD_AT_SUITE, CB_RECORD_SUITE);
	cb_put_le64(out + CB_RECORD_AT_BODY_SEQ, c->body_seq);
	put_dates(out, &dates);
	if (params->login != NULL)
		wrap_key(params->login, params->record_key, out);
	else
		copy_wrapped_key(params->previous, out);
	seal_body(params->record_key, body, out);
	*ret_len = len;
	return sign(out, len, params->accounts_key);
}

enum cb_err cb_record_seal(const struct cb_record_seal *params, uint8_t out[CB_RECORD_MAX_LEN],
			   size_t *ret_len)
{
	const struct cb_record *c = params->content;
	const struct cb_record_dates dates = { c->epoch, c->issued_s, c->expires_s };
	struct writer w = { .max = CB_RECORD_MAX_BODY_LEN };
	size_t len;

	if (!are_dates_good(&dates) || (params->login == NULL && !is_record(params->previous)))
		return CB_RECORD_FORMAT;
	w.p = cb_alloc(&cb_heap, w.max);
	if (w.p == NULL)
		return CB_NO_MEMORY;
	enum cb_err err = make_body(c, &w);
	if (err == CB_OK)
		err = write_file(params, &w, out, &len);
	if (err == CB_OK)
		*ret_len = len;
	cb_free_secret(&cb_heap, w.p, w.max);
	return err;
}

enum cb_err cb_record_read_dates(struct cb_bytes file, struct cb_record_dates *ret)
{
	if (!is_record(file))
		return CB_RECORD_FORMAT;
	ret->epoch = cb_le64(file.p + CB_RECORD_AT_EPOCH);
	ret->issued_s = (int64_t)cb_le64(file.p + CB_RECORD_AT_ISSUED);
	ret->expires_s = (int64_t)cb_le64(file.p + CB_RECORD_AT_EXPIRES);
	return CB_OK;
}

enum cb_err cb_record_renew(uint8_t *file, size_t len, const struct cb_record_dates *dates,
			    const struct cb_key *accounts_key)
{
	if (!is_record((struct cb_bytes){ file, len }) || !are_dates_good(dates))
		return CB_RECORD_FORMAT;
	put_dates(file, dates);
	return sign(file, len, accounts_key);
}
