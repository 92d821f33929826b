/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the TUF client behind the signatures: byte 0 names the role, the rest is its "signed" part,
 * which is signed here with the one key of a fixed realm and linked to good files. Byte 0 | 0x80:
 * the rest is the whole file, as it came.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/tuf.h"
#include "host/heap.h"
#include "host/keys.h"

#define NOW 1800000000
#define FILE_MAX (CB_TUF_TARGETS_MAX + 1024)
#define HEAD "\"expires\":\"2030-01-01T00:00:00Z\","
#define TAIL "\"spec_version\":\"1.0.31\",\"version\":1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct file {
	char text[FILE_MAX];
	size_t len;
	uint64_t version;
};

static struct cb_key key;
static char key_id[65], public_key[65];
static struct file files[CB_TUF_N_ROLES], root2;

/* Makes the file of a canonical body. */
static void sign(struct file *f, const char *body, size_t len)
{
	uint8_t sig[64];
	char hex[129];

	cb_key_sign(&key, (struct cb_bytes){ (const uint8_t *)body, len }, sig);
	cb_hex_encode(sig, sizeof(sig), hex);
	f->len = (size_t)snprintf(
		f->text, sizeof(f->text),
		"{\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"%s\"}],\"signed\":%.*s}", key_id, hex,
		(int)len, body);
	if (f->len >= sizeof(f->text))
		f->len = 0;
}

static void sign_text(enum cb_tuf_role role, const char *body)
{
	files[role].version = 1;
	sign(&files[role], body, strlen(body));
}

/* "name":{...} of meta. */
static void put_entry(char out[256], const char *name, enum cb_tuf_role role)
{
	uint8_t sha256[32];
	char hex[65];

	cb_sha256((struct cb_bytes){ (const uint8_t *)files[role].text, files[role].len }, sha256);
	cb_hex_encode(sha256, sizeof(sha256), hex);
	snprintf(out, 256,
		 "\"%s\":{\"hashes\":{\"sha256\":\"%s\"},\"length\":%zu,\"version\":%llu}", name,
		 hex, files[role].len, (unsigned long long)files[role].version);
}

static void make_root(void)
{
	char role[128], body[2048];

	snprintf(role, sizeof(role), "{\"keyids\":[\"%s\"],\"threshold\":1}", key_id);
	snprintf(body, sizeof(body),
		 "{\"_type\":\"root\",\"consistent_snapshot\":true," HEAD
		 "\"keys\":{\"%s\":{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"%s\"},"
		 "\"scheme\":\"ed25519\"}},\"roles\":{\"root\":%s,\"snapshot\":%s,\"targets\":%s,"
		 "\"timestamp\":%s}," TAIL "}",
		 key_id, public_key, role, role, role, role);
	sign_text(CB_TUF_ROOT, body);
}

static void make_targets(void)
{
	char body[2048];

	snprintf(
		body, sizeof(body),
		"{\"_type\":\"targets\",\"delegations\":{\"keys\":{\"%s\":{\"keytype\":\"ed25519\","
		"\"keyval\":{\"public\":\"%s\"},\"scheme\":\"ed25519\"}},\"roles\":[{\"keyids\":"
		"[\"%s\"],\"name\":\"accounts\",\"paths\":[\"accounts/*/*\"],\"terminating\":true,"
		"\"threshold\":1}]}," HEAD "\"spec_version\":\"1.0.31\",\"targets\":{},"
		"\"version\":1}",
		key_id, public_key, key_id);
	sign_text(CB_TUF_TARGETS, body);
}

static void make_accounts(void)
{
	sign_text(CB_TUF_ACCOUNTS,
		  "{\"_type\":\"targets\"," HEAD
		  "\"spec_version\":\"1.0.31\",\"targets\":{},\"version\":1,"
		  "\"x-chunkboot\":{\"min_epoch\":0,\"revoked\":[]}}");
}

static void make_snapshot(void)
{
	char accounts[256], targets[256], body[1024];

	put_entry(accounts, "accounts.json", CB_TUF_ACCOUNTS);
	put_entry(targets, "targets.json", CB_TUF_TARGETS);
	snprintf(body, sizeof(body), "{\"_type\":\"snapshot\"," HEAD "\"meta\":{%s,%s}," TAIL "}",
		 accounts, targets);
	sign_text(CB_TUF_SNAPSHOT, body);
}

static void make_timestamp(void)
{
	char snapshot[256], body[1024];

	put_entry(snapshot, "snapshot.json", CB_TUF_SNAPSHOT);
	snprintf(body, sizeof(body), "{\"_type\":\"timestamp\"," HEAD "\"meta\":{%s}," TAIL "}",
		 snapshot);
	sign_text(CB_TUF_TIMESTAMP, body);
}

static void make_realm(void)
{
	static const uint8_t seed[32] = { 1 };

	if (key_id[0] != '\0')
		return;
	if (sodium_init() < 0)
		abort();
	cb_key_from_seed(seed, &key);
	cb_hex_encode(key.id, 32, key_id);
	cb_hex_encode(key.public_key, 32, public_key);
}

/* The fuzzed file, from its canonical "signed" part. False when the input is no JSON. */
static bool make_fuzzed(struct file *f, struct cb_bytes input)
{
	struct cb_json_doc doc;
	size_t len;
	char *body;

	if (cb_json_parse(&cb_heap, input, CB_JSON_STRICT, &doc) != CB_OK)
		return false;
	f->version = 1;
	(void)!cb_json_integer(cb_json_get(doc.root, "version"), &f->version);
	if (cb_json_canonical_len(doc.root, &len) != CB_OK || (body = malloc(len)) == NULL)
		abort();
	if (cb_json_canonical_write(doc.root, (uint8_t *)body, len) != CB_OK)
		abort();
	sign(f, body, len);
	free(body);
	cb_json_done(&doc);
	return f->len > 0;
}

/* Everything that complete metadata can be asked. */
static void query(const struct cb_tuf *tuf)
{
	static const uint8_t locator[32], sig[64];
	const struct cb_tuf_info *info = cb_tuf_info(tuf);
	struct cb_tuf_target t, found;

	for (unsigned i = 0; i < cb_tuf_n_targets(tuf); i++) {
		cb_tuf_target_at(tuf, i, &t);
		if (cb_tuf_find(tuf, cb_bytes_of(t.path), &found) != CB_OK)
			abort();
		if (t.name[0] != '\0' &&
		    (cb_tuf_newest(tuf, cb_bytes_of(t.name), t.arch, &found) != CB_OK ||
		     found.serial < t.serial))
			abort();
	}
	if (info->n_mirrors > CB_TUF_MAX_MIRRORS || info->n_kdf > 2 ||
	    strlen(info->title) > CB_TITLE_MAX)
		abort();
	(void)cb_tuf_is_revoked(tuf, locator);
	if (cb_tuf_accounts_signed(tuf, cb_bytes_of("x"), sig))
		abort();
}

static void walk(enum cb_tuf_profile profile, bool has_root2)
{
	struct cb_bytes root = { (const uint8_t *)files[CB_TUF_ROOT].text, files[CB_TUF_ROOT].len };
	enum cb_err err = CB_OK;
	struct cb_tuf_want want;
	struct cb_tuf *tuf;

	if (cb_tuf_new(&cb_heap, profile, root, NOW, NULL, &tuf) != CB_OK)
		abort();
	while (err == CB_OK && cb_tuf_next(tuf, &want)) {
		const struct file *f = want.role == CB_TUF_ROOT ? &root2 : &files[want.role];

		if (want.role == CB_TUF_ROOT && !has_root2)
			err = cb_tuf_absent(tuf);
		else
			err = cb_tuf_accept(tuf,
					    (struct cb_bytes){ (const uint8_t *)f->text, f->len });
		has_root2 = false;
	}
	if (err == CB_OK)
		query(tuf);
	else
		cb_tuf_restart_timestamp(tuf);
	cb_tuf_free(tuf);
}

/* The file that is fuzzed, or else the good one; later files are linked to earlier ones. */
static bool make_role(enum cb_tuf_role role, enum cb_tuf_role fuzzed, bool is_raw,
		      struct cb_bytes input)
{
	static void (*const make[CB_TUF_N_ROLES])(void) = { NULL, make_timestamp, make_snapshot,
							    make_targets, make_accounts };
	struct file *f = role == CB_TUF_ROOT ? &root2 : &files[role];

	if (role != fuzzed) {
		if (make[role] != NULL)
			make[role]();
		return true;
	}
	if (!is_raw)
		return make_fuzzed(f, input);
	memcpy(f->text, input.p, input.len);
	f->len = input.len;
	f->version = 1;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const enum cb_tuf_role order[] = { CB_TUF_ROOT, CB_TUF_TARGETS, CB_TUF_ACCOUNTS,
						  CB_TUF_SNAPSHOT, CB_TUF_TIMESTAMP };
	enum cb_tuf_role fuzzed;

	if (len < 1 || len > FILE_MAX)
		return 0;
	fuzzed = (enum cb_tuf_role)((data[0] & 0x7f) % CB_TUF_N_ROLES);
	make_realm();
	make_root();
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (!make_role(order[i], fuzzed, (data[0] & 0x80) != 0,
			       (struct cb_bytes){ data + 1, len - 1 }))
			return 0;
	walk(CB_TUF_LOADER, fuzzed == CB_TUF_ROOT);
	walk(CB_TUF_STANDARD, fuzzed == CB_TUF_ROOT);
	return 0;
}
