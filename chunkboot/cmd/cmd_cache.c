/* SPDX-License-Identifier: MIT */
/* chunkboot cache: makes, shows and checks a cache. */
#include <stdlib.h>
#include <string.h>

#include "cmd/cache.h"
#include "core/fetch.h"
#include "host/cache_file.h"
#include "host/files.h"
#include "host/hash.h"

#define MAX_NAMES 64

struct cb_cache_fill_args cb_cache_fill_args;

static uint64_t arg_size;
static bool arg_yes, arg_partition;

static const char *const kind_names[CB_CACHE_N_KINDS] = {
	[CB_CACHE_CHUNK] = "chunks",
	[CB_CACHE_MANIFEST] = "manifests",
	[CB_CACHE_METADATA] = "metadata",
	[CB_CACHE_ACCOUNT] = "accounts",
};

/* ---- create ---- */

static enum cb_err create(int n, char **operands, struct cb_error *e)
{
	const struct cb_cache_create how = {
		.path = operands[0],
		.size = arg_size,
		.is_partition = arg_partition,
		.is_overwriting = arg_yes,
		.is_dry_run = arg_dry_run,
	};
	char size[CB_SIZE_TEXT_MAX];
	uint64_t len = 0;
	(void)n;
	enum cb_err err = cb_cache_file_create(&how, &len, e);
	if (err != CB_OK)
		return err;
	if (arg_json)
		return cb_print_json(json_pack("{ss ss sI}", "type", "cache-created", "file",
					       how.path, "bytes", (json_int_t)len));
	cb_say("%s a cache of %s in %s", arg_dry_run ? "would make" : "made",
	       cb_size_text(len, size), how.path);
	return CB_OK;
}

/* ---- inspect ---- */

static json_t *records_json(const struct cb_cache_stats *s)
{
	json_t *records = json_object();
	for (unsigned i = CB_CACHE_CHUNK; i < CB_CACHE_N_KINDS; i++)
		json_object_set_new(records, kind_names[i], json_integer(s->n_records[i]));
	return records;
}

static bool is_set(const uint8_t digest[CB_DIGEST_LEN])
{
	static const uint8_t none[CB_DIGEST_LEN];
	return memcmp(digest, none, sizeof(none)) != 0;
}

static json_t *images_json(const struct cb_cache *cache)
{
	const struct cb_cache_keeper *k;
	json_t *images = json_array();
	for (unsigned i = 0; (k = cb_cache_keeper(cache, i)) != NULL; i++) {
		char current[2 * CB_DIGEST_LEN + 1], previous[2 * CB_DIGEST_LEN + 1];
		cb_hex_encode(k->current, CB_DIGEST_LEN, current);
		cb_hex_encode(k->previous, CB_DIGEST_LEN, previous);
		json_array_append_new(images,
				      json_pack("{ss ss ss?}", "name", k->name, "manifest_sha256",
						current, "previous_sha256",
						is_set(k->previous) ? previous : NULL));
	}
	return images;
}

static void show_images(const struct cb_cache *cache)
{
	const struct cb_cache_keeper *k;
	for (unsigned i = 0; (k = cb_cache_keeper(cache, i)) != NULL; i++) {
		char current[2 * CB_DIGEST_LEN + 1], previous[2 * CB_DIGEST_LEN + 1];
		cb_hex_encode(k->current, CB_DIGEST_LEN, current);
		cb_hex_encode(k->previous, CB_DIGEST_LEN, previous);
		cb_show("  keeps       %s: manifest %.16s%s%.16s", k->name, current,
			is_set(k->previous) ? ", before it " : "",
			is_set(k->previous) ? previous : "");
	}
}

static enum cb_err inspect(int n, char **operands, struct cb_error *e)
{
	cb_cleanup(cb_cache_file_done) struct cb_cache_file file = { 0 };
	struct cb_cache_stats s;
	char used[CB_SIZE_TEXT_MAX], all[CB_SIZE_TEXT_MAX], segment[CB_SIZE_TEXT_MAX];
	(void)n;
	enum cb_err err = cb_cache_file_open(operands[0], /*is_writer=*/false, &file, e);
	if (err != CB_OK)
		return err;
	cb_cache_stats(file.cache, &s);
	if (arg_json)
		return cb_print_json(json_pack(
			"{ss ss sI sI sI sI sI sI so so}", "type", "cache", "file", operands[0],
			"bytes", (json_int_t)s.device_bytes, "segment_bytes",
			(json_int_t)s.segment_bytes, "segments", (json_int_t)s.n_segments,
			"used_segments", (json_int_t)s.n_used_segments, "damaged_segments",
			(json_int_t)s.n_lost_segments, "record_bytes", (json_int_t)s.record_bytes,
			"records", records_json(&s), "images", images_json(file.cache)));
	cb_show("cache %s", operands[0]);
	cb_show("  size        %s", cb_size_text(s.device_bytes, all));
	cb_show("  segments    %u of %s, %u in use", s.n_segments,
		cb_size_text(s.segment_bytes, segment), s.n_used_segments);
	if (s.n_lost_segments > 0)
		cb_show("  damaged     %u segment%s", s.n_lost_segments,
			cb_plural(s.n_lost_segments));
	cb_show("  records     %u chunks, %u manifests, %u metadata, %u accounts: %s",
		s.n_records[CB_CACHE_CHUNK], s.n_records[CB_CACHE_MANIFEST],
		s.n_records[CB_CACHE_METADATA], s.n_records[CB_CACHE_ACCOUNT],
		cb_size_text(s.record_bytes, used));
	show_images(file.cache);
	return CB_OK;
}

/* ---- check ---- */

struct check {
	uint64_t n_good, n_bad, done_bytes;
	char first[2 * CB_DIGEST_LEN + 1]; /* key of the first bad record */
};

static bool is_good(struct cb_cache *cache, enum cb_cache_kind kind, const uint8_t *key,
		    struct cb_cache_reading *r)
{
	enum cb_cache_progress progress = CB_CACHE_AGAIN;
	uint8_t digest[CB_DIGEST_LEN];
	uint8_t *buf = malloc(r->room);
	while (buf != NULL && progress == CB_CACHE_AGAIN)
		progress = cb_cache_read(cache, r, buf);
	bool is_right = buf != NULL && progress == CB_CACHE_DONE;
	if (is_right && kind == CB_CACHE_CHUNK)
		cb_blake2b_256((struct cb_bytes){ buf, r->len }, digest);
	else if (is_right && kind == CB_CACHE_MANIFEST)
		cb_hash_sha256((struct cb_bytes){ buf, r->len }, digest);
	if (kind == CB_CACHE_CHUNK || kind == CB_CACHE_MANIFEST)
		is_right = is_right && memcmp(digest, key, sizeof(digest)) == 0;
	free(buf);
	return is_right;
}

static void check_all(struct cb_cache *cache, struct check *c)
{
	struct cb_cache_reading r;
	struct cb_cache_stats s;
	enum cb_cache_kind kind;
	uint8_t key[CB_DIGEST_LEN];
	uint64_t at = 0;
	cb_cache_stats(cache, &s);
	while (cb_cache_next(cache, &at, &kind, key, &r)) {
		bool is_right = is_good(cache, kind, key, &r);
		c->n_good += is_right;
		if (!is_right && c->n_bad++ == 0)
			cb_hex_encode(key, sizeof(key), c->first);
		c->done_bytes += r.room;
		cb_progress("checking", c->done_bytes, s.record_bytes);
	}
	cb_progress_end();
}

static enum cb_err check(int n, char **operands, struct cb_error *e)
{
	cb_cleanup(cb_cache_file_done) struct cb_cache_file file = { 0 };
	struct check c = { 0 };
	struct cb_cache_stats s;
	(void)n;
	enum cb_err err = cb_cache_file_open(operands[0], /*is_writer=*/false, &file, e);
	if (err != CB_OK)
		return err;
	check_all(file.cache, &c);
	cb_cache_stats(file.cache, &s);
	if (c.n_bad > 0 || s.n_lost_segments > 0) {
		err = cb_fail(e, CB_CHUNK_HASH,
			      "%s: %ju of %ju records and %u tables are damaged%s%s", operands[0],
			      (uintmax_t)c.n_bad, (uintmax_t)(c.n_good + c.n_bad),
			      s.n_lost_segments, c.n_bad > 0 ? ", the first is " : "", c.first);
		cb_fail_hint(e,
			     "no harm is done, they are fetched again; where it happens often, "
			     "check the device");
		return err;
	}
	if (arg_json)
		return cb_print_json(json_pack("{ss ss sI sI}", "type", "cache-checked", "file",
					       operands[0], "records", (json_int_t)c.n_good,
					       "bytes", (json_int_t)c.done_bytes));
	char size[CB_SIZE_TEXT_MAX];
	cb_say("%s is good: %ju record%s, %s", operands[0], (uintmax_t)c.n_good,
	       cb_plural(c.n_good), cb_size_text(c.done_bytes, size));
	return CB_OK;
}

/* ---- The verb ---- */

static const struct {
	const char *name;
	enum cb_err (*run)(int n, char **operands, struct cb_error *e);
	bool is_for_one;
} actions[] = {
	{ "create", create, true },
	{ "inspect", inspect, true },
	{ "check", check, true },
	{ "fill", cb_cache_fill, false },
};

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(operands[0], actions[i].name) != 0)
			continue;
		if (actions[i].is_for_one && n != 2)
			return cb_usage(e, &cb_verb_cache, "cache %s needs one FILE",
					actions[i].name);
		return actions[i].run(n - 1, operands + 1, e);
	}
	return cb_usage(e, &cb_verb_cache, "unknown action '%s'", operands[0]);
}

static const struct cb_option options[] = {
	{ .name = "partition",
	  .help = "with 'create': DEVICE is a disk with a GPT; add a partition in its free space, "
		  "of --size or as large as possible, and touch no other",
	  .flag = &arg_partition },
	{ .name = "size",
	  .value = "BYTES",
	  .help = "with 'create': the size of a file that is not there yet, or of the partition",
	  .number = &arg_size,
	  .min = CB_CACHE_MIN_LEN,
	  .max = 1ull << 46 },
	{ .name = "yes",
	  .letter = 'y',
	  .help = "with 'create': overwrite an older cache, or bytes that nobody knows",
	  .flag = &arg_yes },
	{ .name = "root",
	  .value = "ROOT.json",
	  .help = "with 'fill': the root of trust, the realm's root file, from a place that you "
		  "trust",
	  .text = &cb_cache_fill_args.root },
	{ .name = "near",
	  .value = "URL",
	  .help = "with 'fill': a mirror nearby, such as the site's cache: asked first, the others "
		  "for what it has not got; may be given more than once",
	  .texts = &cb_cache_fill_args.near },
	{ .name = "tls-ca",
	  .value = "FILE",
	  .help = "with 'fill': PEM file with the certificate of the authority that https mirrors "
		  "are certified by; up to 4 certificates",
	  .texts = &cb_cache_fill_args.tls_cas },
	{ .name = "tls-pin",
	  .value = "HEX",
	  .help = "with 'fill': SHA-256 of an https mirror's public key; only servers with such a "
		  "key are taken then; up to 8",
	  .texts = &cb_cache_fill_args.tls_pins },
	{ .name = "rate",
	  .value = "BYTES",
	  .help = "with 'fill': fetch at most so many bytes a second (default: no limit)",
	  .number = &cb_cache_fill_args.rate,
	  .min = 1000,
	  .max = 1ull << 40 },
	{ 0 },
};

const struct cb_verb cb_verb_cache = {
	.name = "cache",
	.group = CB_GROUP_BOOT,
	.summary = "keep what was fetched on a partition or in a file",
	.usage = "create FILE|DEVICE [--size BYTES] [--yes] [--dry-run]\n"
		 "create --partition DISK [--size BYTES] [--dry-run]\n"
		 "inspect FILE|DEVICE\n"
		 "check FILE|DEVICE\n"
		 "fill FILE|DEVICE URL|REPO... NAME... --root ROOT.json [--rate BYTES]",
	.about =
		"A cache holds what images need, as it came from the mirrors; nobody trusts it, and\n"
		"every byte is verified when it is used. 'create' makes an empty one, in a new file\n"
		"or on a partition; never on one that is mounted or holds anything that it knows.\n"
		"\n"
		"'check' reads and verifies all of it. 'fill' fetches what the newest version of each\n"
		"NAME needs and the cache lacks, behind everything else that the machine does, and\n"
		"keeps that version and the one before; what is older makes room. A path with a '/'\n"
		"is a repository on this machine.\n"
		"\n"
		"The loader looks for a partition of type c1b7a3d0-6b0e-4a57-9c43-5f2f9a6e70c8,\n"
		"which 'create --partition' makes, then for a file cbcache.bin in the root of an\n"
		"EFI system partition.\n",
	.examples =
		"  chunkboot cache create --partition /dev/sda --size 16000000000\n"
		"  chunkboot cache create /boot/efi/cbcache.bin --size 2000000000\n"
		"  chunkboot cache fill chunkboot.cache http://192.0.2.1/ debian --root root.json\n"
		"  chunkboot cache fill /dev/sda3 /srv/boot debian --root root.json\n"
		"  chunkboot cache inspect chunkboot.cache --json\n"
		"  chunkboot cache check chunkboot.cache\n",
	.options = options,
	.min_operands = 1,
	.max_operands = CB_FETCH_MAX_MIRRORS + MAX_NAMES,
	.run = run,
};
