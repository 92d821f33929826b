/* SPDX-License-Identifier: MIT */
/* Opens an account record: verified first, then unwrapped, decrypted, parsed. */
#include "core/record.h"

#include <string.h>

#include "core/aead.h"
#include "core/record_body.h"
#include "core/record_format.h"

#define RK_LEN 32

_Static_assert(CB_AEAD_NONCE_LEN == CB_RECORD_NONCE_LEN, "nonce");
_Static_assert(CB_AEAD_TAG_LEN == CB_RECORD_TAG_LEN, "tag");
_Static_assert(CB_RECORD_AT_WRAPPED + RK_LEN + CB_RECORD_TAG_LEN == CB_RECORD_AT_BODY_NONCE,
	       "wrapped key");

/* ---- The check that verified metadata gives ---- */

static bool tuf_is_signed(const void *ctx, struct cb_bytes msg, const uint8_t sig[64])
{
	return cb_tuf_accounts_signed(ctx, msg, sig);
}

static bool tuf_is_revoked(const void *ctx, const uint8_t locator[32])
{
	return cb_tuf_is_revoked(ctx, locator);
}

struct cb_record_check cb_record_check_of(const struct cb_tuf *tuf, int64_t now_s)
{
	return (struct cb_record_check){
		.is_signed = tuf_is_signed,
		.is_revoked = tuf_is_revoked,
		.ctx = tuf,
		.min_epoch = cb_tuf_info(tuf)->min_epoch,
		.now_s = now_s,
	};
}

/* ---- Header ---- */

struct header {
	struct cb_bytes locator, commit, wrap_nonce, wrapped, body_nonce, sealed_body;
	uint64_t body_seq, epoch;
	int64_t issued_s, expires_s;
};

static bool is_stored_len(size_t len)
{
	return len == 4096 || len == 16384 || len == CB_RECORD_MAX_LEN;
}

static enum cb_err parse_header(struct cb_bytes file, struct header *ret)
{
	struct cb_reader r = cb_reader_of(file);
	struct header h;

	if (!is_stored_len(file.len))
		return CB_RECORD_FORMAT;
	if (!cb_bytes_is(cb_read_bytes(&r, 4), CB_RECORD_MAGIC) ||
	    cb_read_le16(&r) != CB_RECORD_VERSION || cb_read_le16(&r) != CB_RECORD_SUITE)
		return CB_RECORD_FORMAT;
	h.locator = cb_read_bytes(&r, 32);
	h.body_seq = cb_read_le64(&r);
	h.commit = cb_read_bytes(&r, 32);
	h.wrap_nonce = cb_read_bytes(&r, CB_RECORD_NONCE_LEN);
	h.wrapped = cb_read_bytes(&r, RK_LEN + CB_RECORD_TAG_LEN);
	h.body_nonce = cb_read_bytes(&r, CB_RECORD_NONCE_LEN);
	uint32_t body_len = cb_read_le32(&r);
	h.epoch = cb_read_le64(&r);
	h.issued_s = (int64_t)cb_read_le64(&r);
	h.expires_s = (int64_t)cb_read_le64(&r);
	h.sealed_body = cb_read_bytes(&r, body_len);
	if (r.failed || body_len < CB_RECORD_TAG_LEN || r.rest.len < CB_RECORD_SIGNATURE_LEN)
		return CB_RECORD_FORMAT;
	cb_read_zeros(&r, r.rest.len - CB_RECORD_SIGNATURE_LEN);
	if (r.failed || h.issued_s < 0 || h.expires_s < h.issued_s ||
	    h.expires_s - h.issued_s > CB_RECORD_MAX_LIFETIME_S)
		return CB_RECORD_FORMAT;
	*ret = h;
	return CB_OK;
}

/* ---- Verification ---- */

enum cb_err cb_record_verify(const struct cb_mem *mem, struct cb_bytes file,
			     const struct cb_record_check *check)
{
	const size_t context_len = sizeof(CB_RECORD_CONTEXT); /* with its NUL */

	if (!is_stored_len(file.len))
		return CB_RECORD_FORMAT;
	size_t signed_len = file.len - CB_RECORD_SIGNATURE_LEN;
	uint8_t *msg = cb_alloc(mem, context_len + signed_len);
	if (msg == NULL)
		return CB_NO_MEMORY;
	memcpy(msg, CB_RECORD_CONTEXT, context_len);
	memcpy(msg + context_len, file.p, signed_len);
	bool is_good =
		check->is_signed(check->ctx, (struct cb_bytes){ msg, context_len + signed_len },
				 file.p + signed_len);
	cb_free(mem, msg);
	return is_good ? CB_OK : CB_RECORD_SIGNATURE;
}

static enum cb_err check_header(const struct header *h, const struct cb_login_keys *keys,
				const struct cb_record_check *check)
{
	/* a good record, but somebody else's: the mirror swapped files */
	if (memcmp(h->locator.p, keys->locator, 32) != 0)
		return CB_RECORD_KEY;
	if (check->is_revoked(check->ctx, h->locator.p))
		return CB_RECORD_REVOKED;
	if (h->epoch < check->min_epoch)
		return CB_RECORD_EPOCH;
	if (check->now_s >= h->expires_s)
		return CB_RECORD_EXPIRED;
	return CB_OK;
}

/* ---- Keys and body ---- */

void cb_record_commit(const uint8_t kek[32], uint8_t out[32])
{
	struct cb_blake2b h;

	cb_blake2b_init(&h, 32, kek, 32);
	cb_blake2b_update(&h, "cb1/commit", 10);
	cb_blake2b_final(&h, out);
}

static enum cb_err unwrap(const struct header *h, const uint8_t kek[32], uint8_t ret_rk[RK_LEN])
{
	uint8_t commit[32];

	cb_record_commit(kek, commit);
	if (!cb_equal_ct(commit, h->commit.p, sizeof(commit)))
		return CB_RECORD_KEY;
	return cb_aead_open(kek, h->wrap_nonce.p, h->locator, h->wrapped, ret_rk) ? CB_OK :
										    CB_RECORD_KEY;
}

static enum cb_err open_body(const struct cb_mem *mem, struct cb_bytes file, const struct header *h,
			     const uint8_t rk[RK_LEN], struct cb_record *ret)
{
	struct cb_record r = {
		.mem = mem,
		.body_len = h->sealed_body.len - CB_RECORD_TAG_LEN,
		.epoch = h->epoch,
		.body_seq = h->body_seq,
		.issued_s = h->issued_s,
		.expires_s = h->expires_s,
	};
	enum cb_err err = CB_RECORD_KEY;

	r.body = cb_alloc(mem, r.body_len);
	if (r.body == NULL)
		return CB_NO_MEMORY;
	if (cb_aead_open(rk, h->body_nonce.p, (struct cb_bytes){ file.p, CB_RECORD_AAD_LEN },
			 h->sealed_body, r.body))
		err = cb_record_parse_body((struct cb_bytes){ r.body, r.body_len }, &r);
	if (err != CB_OK) {
		cb_record_done(&r);
		return err;
	}
	*ret = r;
	return CB_OK;
}

enum cb_err cb_record_open(const struct cb_mem *mem, struct cb_bytes file,
			   const struct cb_login_keys *keys, const struct cb_record_check *check,
			   struct cb_record *ret)
{
	uint8_t rk[RK_LEN];
	struct header h;
	enum cb_err err = cb_record_verify(mem, file, check);

	if (err == CB_OK)
		err = parse_header(file, &h);
	if (err == CB_OK)
		err = check_header(&h, keys, check);
	if (err == CB_OK)
		err = unwrap(&h, keys->kek, rk);
	if (err == CB_OK)
		err = open_body(mem, file, &h, rk, ret);
	cb_wipe(rk, sizeof(rk));
	return err;
}

enum cb_err cb_record_open_with_rk(const struct cb_mem *mem, struct cb_bytes file,
				   const uint8_t rk[32], struct cb_record *ret)
{
	struct header h;
	enum cb_err err = parse_header(file, &h);

	return err != CB_OK ? err : open_body(mem, file, &h, rk, ret);
}

void cb_record_done(struct cb_record *r)
{
	if (r->mem != NULL)
		cb_free_secret(r->mem, r->body, r->body_len);
	cb_wipe(r, sizeof(*r));
}
