/* SPDX-License-Identifier: MIT */
/* Boot stage of the account record: fetched by its locator, or offline the cache's, then opened. */
#include <string.h>

#include "core/boot_internal.h"

/* Stored in the cache: u8 length of what is reserved in front (0), then the file. */
#define STORED_HEAD_LEN 1u

static void describe_record(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct cb_boot *b = ctx;
	char path[CB_RECORD_PATH_MAX];

	(void)item;
	*ret = (struct cb_fetch_item){
		.len = CB_RECORD_MAX_LEN,
		.is_mutable = true,
		.source = CB_FETCH_ANY_SOURCE,
	};
	cb_record_path(b->keys.locator, path);
	memcpy(ret->path, path, sizeof(path));
}

static enum cb_err open_record(struct cb_boot *b, struct cb_bytes file)
{
	struct cb_record_check check = cb_record_check_of(b->tuf, b->now_s);
	enum cb_err err = cb_record_open(&b->platform->mem, file, &b->keys, &check, &b->record);

	if (err == CB_OK &&
	    b->record.epoch <
		    cb_state_min_epoch(&b->state.known, b->config.realm_id, b->record.uid)) {
		cb_record_done(&b->record);
		err = CB_RECORD_EPOCH;
	}
	b->has_record = err == CB_OK;
	return err;
}

/* What the cache may get when all is well; without memory it gets nothing. */
static void keep_file(struct cb_boot *b, struct cb_bytes file)
{
	const struct cb_mem *mem = &b->platform->mem;

	cb_free(mem, b->record_file);
	b->record_file = cb_alloc(mem, STORED_HEAD_LEN + file.len);
	if (!b->record_file)
		return;
	b->record_file[0] = 0;
	memcpy(b->record_file + STORED_HEAD_LEN, file.p, file.len);
	b->record_file_len = STORED_HEAD_LEN + file.len;
}

static enum cb_err deliver_record(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct cb_boot *b = ctx;
	enum cb_err err = open_record(b, bytes);

	(void)item;
	(void)source;
	if (err != CB_OK)
		b->record_refusal = err;
	else if (b->cache)
		keep_file(b, bytes);
	return err;
}

/* ---- In the cache ---- */

/* The stored record, to be freed. NOT_FOUND (also where it was overwritten), NO_MEMORY: nothing to free. */
static enum cb_err read_stored(struct cb_boot *b, uint8_t **ret, size_t *ret_len)
{
	uint8_t *bytes;
	size_t len;
	enum cb_err err = cb_cache_read_whole(b->cache, CB_CACHE_ACCOUNT, b->keys.locator,
					      STORED_HEAD_LEN + CB_RECORD_MAX_LEN, &bytes, &len);

	if (err != CB_OK)
		return err;
	if (len <= STORED_HEAD_LEN || bytes[0] != 0) {
		cb_free(&b->platform->mem, bytes);
		return CB_NOT_FOUND;
	}
	*ret = bytes;
	*ret_len = len;
	return CB_OK;
}

/* What overwrites a record that may not be used offline any more. */
static const uint8_t nothing[] = { 0 };

/*
 * Online, the account was refused. Where the realm's signed word is against the stored copy, too, that is overwritten:
 * else whoever was turned away here would pull the cable and go on.
 */
static void forget_stored(struct cb_boot *b)
{
	uint8_t *stored;
	size_t len;
	enum cb_err err;

	if (!cb_boot_cache_is_used(b) || read_stored(b, &stored, &len) != CB_OK)
		return;
	err = open_record(b, (struct cb_bytes){ stored + STORED_HEAD_LEN, len - STORED_HEAD_LEN });
	cb_free(&b->platform->mem, stored);
	if (err == CB_OK)
		cb_record_done(&b->record);
	b->has_record = false;
	if (err != CB_RECORD_REVOKED && err != CB_RECORD_EPOCH)
		return;
	(void)cb_cache_append(b->cache, CB_CACHE_ACCOUNT, b->keys.locator,
			      (struct cb_bytes){ nothing, sizeof(nothing) });
	(void)cb_cache_commit(b->cache);
}

void cb_boot_record_save(struct cb_boot *b)
{
	struct cb_bytes wanted = { nothing, sizeof(nothing) }, is = wanted;
	uint8_t *stored = NULL;

	if (b->is_offline || !b->record_file)
		return;
	if (read_stored(b, &stored, &is.len) == CB_OK)
		is.p = stored;
	if (b->record.policy.offline_days > 0)
		wanted = (struct cb_bytes){ b->record_file, b->record_file_len };
	if (!cb_bytes_equal(wanted, is))
		(void)cb_cache_append(b->cache, CB_CACHE_ACCOUNT, b->keys.locator, wanted);
	cb_free(&b->platform->mem, stored);
}

/* ---- The stage ---- */

static void opened(struct cb_boot *b)
{
	enum cb_err err = cb_boot_offline_check(b);

	cb_line_wipe(&b->passphrase);
	if (err == CB_OK) {
		cb_boot_enter(b, CB_STAGE_MENU);
		return;
	}
	cb_boot_sign_out(b);
	cb_boot_fail(b, err, "account record");
}

static void absent(struct cb_boot *b)
{
	if (b->config.has_autologin) {
		cb_boot_sign_out(b);
		cb_boot_fail(b, cb_boot_offline_err(b, CB_LOGIN_UNKNOWN),
			     b->config.autologin_account);
		return;
	}
	/* The realm may still have records made with its previous parameters. */
	if (b->kdf + 1 < cb_tuf_info(b->tuf)->n_kdf && b->passphrase.len > 0) {
		b->kdf++;
		cb_boot_enter(b, CB_STAGE_DERIVE);
		return;
	}
	cb_boot_refuse(b);
}

/* A refusal tells more than RECORD_FORMAT; after one the network may still have failed. */
static void refused(struct cb_boot *b, enum cb_err err)
{
	if (b->record_refusal != CB_OK && err == CB_RECORD_FORMAT) {
		err = b->record_refusal;
		cb_boot_sign_out(b);
	}
	cb_boot_fail(b, err, "account record");
}

/* Without the network there is nobody to ask, and nothing to wait for. */
static void take_stored(struct cb_boot *b)
{
	uint8_t *stored;
	size_t len;
	enum cb_err err = read_stored(b, &stored, &len);

	if (err == CB_NOT_FOUND) {
		absent(b);
		return;
	}
	if (err == CB_OK) {
		err = open_record(
			b, (struct cb_bytes){ stored + STORED_HEAD_LEN, len - STORED_HEAD_LEN });
		cb_free(&b->platform->mem, stored);
	}
	if (err == CB_OK) {
		opened(b);
		return;
	}
	cb_boot_sign_out(b);
	cb_boot_fail(b, err, "account record");
}

void cb_boot_record_enter(struct cb_boot *b)
{
	enum cb_err err;

	cb_job_free(b->record_job);
	b->record_job = NULL;
	b->record_refusal = CB_OK;
	if (b->is_offline) {
		take_stored(b);
		return;
	}
	err = cb_fetch_submit(b->fetch,
			      &(struct cb_job_params){
				      .ctx = b,
				      .n_items = 1,
				      .describe = describe_record,
				      .deliver = deliver_record,
				      .absent_err = CB_LOGIN_UNKNOWN,
				      .wrong_err = CB_RECORD_FORMAT,
			      },
			      &b->record_job);
	if (err != CB_OK)
		cb_boot_fail(b, err, "");
}

void cb_boot_record_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	enum cb_err err = CB_OK;
	enum cb_job_status status = cb_job_status(b->record_job, &err, NULL);

	cb_boot_prefetch_step(b, ret_wake_ms);
	if (status == CB_JOB_RUNNING)
		return;
	cb_job_free(b->record_job);
	b->record_job = NULL;
	if (status == CB_JOB_DONE) {
		opened(b);
		return;
	}
	forget_stored(b);
	if (b->record_refusal == CB_OK && err == CB_LOGIN_UNKNOWN)
		absent(b);
	else
		refused(b, err);
}
