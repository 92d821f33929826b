/* SPDX-License-Identifier: MIT */
/* A small realm for whole boots in the simulator, made with the tool's own functions. */
#include "sim_realm.h"

#include <fts.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>
#include <zstd.h>

#include "core/config.h"
#include "core/newc.h"
#include "core/record.h"
#include "host/meta_write.h"
#include "host/record_seal.h"

#define NOW_S SIM_REALM_NOW_S
#define CHUNK_LEN 5000u
#define N_KERNEL_CHUNKS 4u
#define KERNEL_LEN (N_KERNEL_CHUNKS * CHUNK_LEN - 123u)
#define INITRD_LEN 6001u /* not a multiple of 4: the next one is padded */
#define MAX_CHUNKS 16u
#define N_ACCOUNTS 6u
#define OLD_ACCOUNT 4 /* pam */
#define OLD_T CB_KDF_MIN_T
#define NEW_T (CB_KDF_MIN_T + 1)

struct account {
	const char *name;
	struct cb_login_keys keys;
};

struct sim_realm {
	char dir[64]; /* temporary: REPO below it as "repo", keys as "keys" */
	uint8_t kernel[KERNEL_LEN];
	uint8_t initrd[2 * INITRD_LEN + 8];
	size_t initrd_len;
	struct cb_chunk chunks[MAX_CHUNKS];
	unsigned n_chunks;
	uint64_t ram_need;
	struct account accounts[N_ACCOUNTS];
	uint8_t realm_id[32];
	struct cb_manifest manifest; /* of every image */
	struct cb_file root, old_timestamp;
	struct sim *store_sim; /* holds the repository's files in memory */
	struct sim_server *store;
};

/* Setting up the stage must not fail; with the object when it does. */
static void must(enum cb_err err, const struct cb_error *e)
{
	if (err == CB_OK)
		return;
	fprintf(stderr, "sim_realm: %s: %s\n", cb_err_info(err)->name, e ? e->text : "");
	abort();
}

enum cb_err sim_realm_kdf(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64])
{
	struct cb_blake2b s;
	uint8_t params[8];

	if (ctx)
		++*(unsigned *)ctx;
	if (in->arena)
		memset(in->arena, 0x77, in->arena_len);
	cb_put_le32(params, in->t);
	cb_put_le32(params + 4, in->m_kib);
	cb_blake2b_init(&s, 64, in->salt, CB_LOGIN_SALT_LEN);
	cb_blake2b_update(&s, params, sizeof(params));
	cb_blake2b_update(&s, in->passphrase.p, in->passphrase.len);
	cb_blake2b_final(&s, ret_k0);
	return CB_OK;
}

/* A thousandth of the real one, so that boots stay fast. */
size_t sim_realm_arena_len(uint32_t m_kib)
{
	return m_kib;
}

/* ---- files ---- */

static void put_file(struct sim_realm *r, const char *path, const void *bytes, size_t len)
{
	char full[CB_PATH_MAX];
	struct cb_error e = { 0 };

	must(cb_path(full, &e, "%s/repo/%s", r->dir, path), &e);
	must(cb_dirs_make_for(full, 0755, &e), &e);
	must(cb_file_write(full, (struct cb_bytes){ bytes, len }, 0644, &e), &e);
}

/* The same keys and nonces each time: a seed means the same run in every process. */
static uint32_t fixed_random(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 32);
}

static void fixed_buf(void *const buf, const size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)fixed_random();
}

static const char *fixed_name(void)
{
	return "fixed";
}

static struct randombytes_implementation fixed = {
	.implementation_name = fixed_name,
	.random = fixed_random,
	.buf = fixed_buf,
};

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* ---- image ---- */

static void add_chunk(struct sim_realm *r, const uint8_t *raw, size_t len)
{
	struct cb_chunk *c = &r->chunks[r->n_chunks++];
	size_t max = ZSTD_compressBound(len);
	uint8_t *stored = malloc(max);
	size_t stored_len = ZSTD_compress(stored, max, raw, len, 3);
	char path[CB_CHUNK_PATH_MAX];

	cb_sha512_256((struct cb_bytes){ raw, len }, c->id);
	cb_blake2b_256((struct cb_bytes){ stored, stored_len }, c->digest);
	c->raw_len = (uint32_t)len;
	c->stored_len = (uint32_t)stored_len;
	cb_chunk_path(c, path);
	*strchr(path, '?') = '\0';
	put_file(r, path, stored, stored_len);
	free(stored);
}

static void add_segment(struct sim_realm *r, struct cb_manifest *m, enum cb_segment_role role,
			const uint8_t *raw, size_t len)
{
	struct cb_segment *s = &m->segments[m->n_segments++];

	s->role = role;
	s->first_chunk = r->n_chunks;
	s->raw_len = len;
	cb_sha256((struct cb_bytes){ raw, len }, s->sha256);
	for (size_t at = 0; at < len; at += CHUNK_LEN)
		add_chunk(r, raw + at, len - at < CHUNK_LEN ? len - at : CHUNK_LEN);
	s->n_chunks = r->n_chunks - s->first_chunk;
	m->raw_total += len;
}

static void add_target(struct sim_realm *r, struct cb_repo_meta *meta, const char *name,
		       unsigned version, const struct cb_manifest *m)
{
	size_t len = cb_manifest_len(m);
	uint8_t *bytes = malloc(len);
	struct cb_tuf_target target = { .serial = version, .len = len };
	struct cb_error e = { 0 };
	char path[CB_MANIFEST_PATH_MAX];

	cb_manifest_write(m, r->chunks, bytes);
	cb_sha256((struct cb_bytes){ bytes, len }, target.sha256);
	snprintf(target.path, sizeof(target.path), "%s/%u.cbm", name, version);
	snprintf(target.name, sizeof(target.name), "%s", name);
	snprintf(target.version, sizeof(target.version), "%u", version);
	strcpy(target.kind, "linux");
	strcpy(target.arch, "x86_64");
	cb_manifest_path(target.path, target.sha256, path);
	put_file(r, path, bytes, len);
	must(cb_repo_meta_add(meta, &target, &e), &e);
	free(bytes);
}

/* m with a last chunk that is signed and not compressed. */
static void add_torn(struct sim_realm *r, struct cb_repo_meta *meta, struct cb_manifest m)
{
	const struct cb_chunk last = r->chunks[r->n_chunks - 1];
	struct cb_chunk *c = &r->chunks[r->n_chunks - 1];
	char path[CB_CHUNK_PATH_MAX];

	m.stored_total += c->raw_len - c->stored_len;
	c->stored_len = c->raw_len;
	c->id[0] ^= 1;
	cb_blake2b_256((struct cb_bytes){ r->initrd, c->raw_len }, c->digest);
	cb_chunk_path(c, path);
	*strchr(path, '?') = '\0';
	put_file(r, path, r->initrd, c->raw_len);
	add_target(r, meta, "torn", 1, &m);
	*c = last;
}

static void publish(struct sim_realm *r, const struct cb_meta_place *place)
{
	struct cb_manifest m = {
		.kind = CB_KIND_LINUX,
		.arch = CB_ARCH_X86_64,
		.cmdline = cb_bytes_of(SIM_REALM_CMDLINE),
		.title = cb_bytes_of("Demo"),
		.n_allow = 1,
		.allow = { cb_bytes_of("debug=") },
	};
	struct cb_repo_meta meta;
	struct cb_error e = { 0 };

	for (size_t i = 0; i < KERNEL_LEN; i++)
		r->kernel[i] = (uint8_t)(i * i / 7 + i % 11);
	for (size_t i = 0; i < INITRD_LEN; i++) {
		r->initrd[i] = (uint8_t)(i * 3 + i / 97);
		r->initrd[INITRD_LEN + 3 + i] = (uint8_t)(i * 5 + i / 89);
	}
	r->initrd_len = 2 * (INITRD_LEN + 3);
	add_segment(r, &m, CB_ROLE_KERNEL, r->kernel, KERNEL_LEN);
	add_segment(r, &m, CB_ROLE_INITRD, r->initrd, INITRD_LEN);
	add_segment(r, &m, CB_ROLE_INITRD, r->initrd + INITRD_LEN + 3, INITRD_LEN);
	m.n_chunks = r->n_chunks;
	for (unsigned i = 0; i < r->n_chunks; i++)
		m.stored_total += r->chunks[i].stored_len;
	r->ram_need = m.ram_need = m.raw_total + m.stored_total + CB_RAM_WORKING;
	must(cb_repo_meta_load(place, &meta, &e), &e);
	meta.n_kdf = 2;
	meta.kdf[1] = (struct cb_tuf_kdf){ .t = OLD_T, .m_kib = CB_KDF_MIN_KIB };
	add_target(r, &meta, "demo", 1, &m);
	add_target(r, &meta, "other", 1, &m);
	add_target(r, &meta, "twice", 1, &m);
	m.title = cb_bytes_of("Demo, second version");
	add_target(r, &meta, "twice", 2, &m);
	add_torn(r, &meta, m);
	r->manifest = m;
	must(cb_repo_meta_set_default(&meta, "demo", &e), &e);
	must(cb_repo_meta_commit(&meta, &e), &e);
	cb_repo_meta_done(&meta);
}

/* ---- accounts ---- */

static void add_account(struct sim_realm *r, unsigned i, struct cb_record *content)
{
	struct account *a = &r->accounts[i];
	struct cb_error e = { 0 };
	struct cb_key key;
	uint8_t rk[CB_RECORD_KEY_LEN];
	uint8_t *file = malloc(CB_RECORD_MAX_LEN);
	size_t len;
	char path[CB_PATH_MAX];

	must(cb_login_derive(&(struct cb_login_params){ .kdf = sim_realm_kdf,
							.t = i == OLD_ACCOUNT ? OLD_T : NEW_T,
							.m_kib = CB_KDF_MIN_KIB,
							.realm_id = r->realm_id,
							.account = a->name,
							.passphrase = SIM_REALM_PASSPHRASE },
			     &a->keys),
	     NULL);
	must(cb_path(path, &e, "%s/keys", r->dir), &e);
	must(cb_key_load_role(path, CB_KEY_ACCOUNTS, 1, &key, &e), &e);
	randombytes_buf(rk, sizeof(rk));
	must(cb_record_seal(&(struct cb_record_seal){ .content = content,
						      .record_key = rk,
						      .login = &a->keys,
						      .accounts_key = &key },
			    file, &len),
	     NULL);
	cb_record_path(a->keys.locator, path);
	put_file(r, path, file, len);
	free(file);
	cb_key_done(&key);
}

static struct cb_record content_of(unsigned i, uint64_t epoch)
{
	static const char *const names[N_ACCOUNTS] = { "ada", "bob", "eve", "kim", "pam", "tom" };
	static uint8_t uids[N_ACCOUNTS][16];
	struct cb_environment demo = { .target = cb_bytes_of("demo"), .is_default = true };
	struct cb_environment other = { .target = cb_bytes_of("other/1.cbm"),
					.label = cb_bytes_of("Other"),
					.cmdline_suffix = cb_bytes_of("debug=1") };
	struct cb_credential credential = { cb_bytes_of("key"), cb_bytes_of(SIM_REALM_CREDENTIAL) };
	struct cb_record c = {
		.epoch = epoch,
		.body_seq = epoch,
		.issued_s = NOW_S,
		.expires_s = NOW_S + CB_RECORD_MAX_LIFETIME_S,
		.uid = { uids[i], sizeof(uids[i]) },
		.display_name = cb_bytes_of(names[i]),
		.n_envs = 1,
		.envs = { demo },
	};

	uids[i][0] = (uint8_t)(i + 1);
	if (i == 0 || i == 3)
		c.policy.offline_days = SIM_REALM_OFFLINE_DAYS;
	if (i == 0) {
		c.n_credentials = 1;
		c.credentials[0] = credential;
	} else if (i == 1) {
		c.n_envs = 2;
		c.envs[1] = other;
	} else if (i == 2) {
		c.envs[0].cmdline_suffix = cb_bytes_of("init=/bin/sh");
	} else if (i == OLD_ACCOUNT) {
		c.envs[0].target = cb_bytes_of("twice");
	} else if (i == 5) {
		c.envs[0].target = cb_bytes_of("torn");
	}
	return c;
}

static void add_accounts(struct sim_realm *r, uint64_t epoch)
{
	static const char *const names[N_ACCOUNTS] = { "ada", "bob", "eve", "kim", "pam", "tom" };

	for (unsigned i = 0; i < N_ACCOUNTS; i++) {
		struct cb_record c = content_of(i, epoch);

		r->accounts[i].name = names[i];
		add_account(r, i, &c);
	}
}

/* ---- public ---- */

static void load_store(struct sim_realm *r)
{
	char repo[CB_PATH_MAX];
	struct cb_error e = { 0 };

	r->store_sim = sim_new(0);
	r->store = sim_add_server(r->store_sim, "store", 80);
	must(cb_path(repo, &e, "%s/repo", r->dir), &e);
	char *const roots[] = { repo, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL, by_name);
	FTSENT *at;

	while (walk && (at = fts_read(walk))) {
		char served[CB_PATH_MAX];
		struct cb_file file = { 0 };

		if (at->fts_info != FTS_F)
			continue;
		must(cb_path(served, &e, "%s%s", SIM_REALM_BASE, at->fts_path + strlen(repo) + 1),
		     &e);
		must(cb_file_read(at->fts_path, 1u << 24, &file, &e), &e);
		sim_file(r->store, served, file.p, file.len);
		cb_file_done(&file);
	}
	if (!walk || fts_close(walk) != 0)
		abort();
}

struct sim_realm *sim_realm_new(void)
{
	struct sim_realm *r = calloc(1, sizeof(*r));
	struct cb_error e = { 0 };
	char repo[CB_PATH_MAX], keys[CB_PATH_MAX], root[CB_PATH_MAX];
	struct cb_repo_init_params init = {
		.place = { .repo = repo, .keys = keys, .now_s = NOW_S },
		.title = "Simulated realm",
		.kdf = { NEW_T, CB_KDF_MIN_KIB },
	};

	if (!r || randombytes_set_implementation(&fixed) != 0 || sodium_init() < 0)
		abort();
	strcpy(r->dir, "/tmp/cb-sim-realm-XXXXXX");
	if (!mkdtemp(r->dir))
		abort();
	must(cb_path(repo, &e, "%s/repo", r->dir), &e);
	must(cb_path(keys, &e, "%s/keys", r->dir), &e);
	must(cb_repo_init(&init, &e), &e);
	must(cb_keys_realm(keys, r->realm_id, &e), &e);
	must(cb_path(root, &e, "%s/metadata/timestamp.json", repo), &e);
	must(cb_file_read(root, CB_TUF_TIMESTAMP_MAX, &r->old_timestamp, &e), &e);
	publish(r, &init.place);
	add_accounts(r, 1);
	must(cb_path(root, &e, "%s/metadata/1.root.json", repo), &e);
	must(cb_file_read(root, CB_TUF_ROOT_MAX, &r->root, &e), &e);
	load_store(r);
	return r;
}

const char *sim_realm_dir(const struct sim_realm *r)
{
	return r->dir;
}

void sim_realm_reload(struct sim_realm *r)
{
	sim_free(r->store_sim);
	load_store(r);
}

void sim_realm_set_epoch(struct sim_realm *r, uint64_t epoch)
{
	add_accounts(r, epoch);
	sim_realm_reload(r);
}

void sim_realm_add_version(struct sim_realm *r, unsigned version, int64_t now_s)
{
	char repo[CB_PATH_MAX], keys[CB_PATH_MAX];
	const struct cb_meta_place place = { .repo = repo, .keys = keys, .now_s = now_s };
	struct cb_repo_meta meta;
	struct cb_error e = { 0 };

	must(cb_path(repo, &e, "%s/repo", r->dir), &e);
	must(cb_path(keys, &e, "%s/keys", r->dir), &e);
	must(cb_repo_meta_load(&place, &meta, &e), &e);
	r->manifest.ram_need += 1; /* so that the manifest is another one */
	add_target(r, &meta, "demo", version, &r->manifest);
	must(cb_repo_meta_commit(&meta, &e), &e);
	cb_repo_meta_done(&meta);
	sim_realm_reload(r);
}

void sim_realm_free(struct sim_realm *r)
{
	if (!r)
		return;
	(void)nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	sim_free(r->store_sim);
	cb_file_done(&r->root);
	cb_file_done(&r->old_timestamp);
	free(r);
}

const uint8_t *sim_realm_id(const struct sim_realm *r)
{
	return r->realm_id;
}

void sim_realm_serve(const struct sim_realm *r, struct sim_server *server)
{
	sim_copy_files(server, r->store);
}

struct cb_bytes sim_realm_old_timestamp(const struct sim_realm *r)
{
	return cb_file_bytes(&r->old_timestamp);
}

struct cb_bytes sim_realm_kernel(const struct sim_realm *r)
{
	return (struct cb_bytes){ r->kernel, sizeof(r->kernel) };
}

uint64_t sim_realm_ram_need(const struct sim_realm *r)
{
	return r->ram_need;
}

struct cb_bytes sim_realm_initrd(const struct sim_realm *r)
{
	return (struct cb_bytes){ r->initrd, r->initrd_len };
}

unsigned sim_realm_n_chunks(const struct sim_realm *r)
{
	return r->n_chunks;
}

void sim_realm_chunk_path(const struct sim_realm *r, unsigned i, char out[256])
{
	char path[CB_CHUNK_PATH_MAX];

	cb_chunk_path(&r->chunks[i], path);
	*strchr(path, '?') = '\0';
	snprintf(out, 256, "%s%s", SIM_REALM_BASE, path);
}

unsigned sim_realm_n_chunk_requests(const struct sim_realm *r, const struct sim_server *server)
{
	unsigned n = 0;
	char path[256];

	for (unsigned i = 0; i < r->n_chunks; i++) {
		sim_realm_chunk_path(r, i, path);
		n += sim_n_requests_for(server, path);
	}
	return n;
}

static const struct account *find_account(const struct sim_realm *r, const char *name)
{
	for (unsigned i = 0; i < N_ACCOUNTS; i++)
		if (strcmp(r->accounts[i].name, name) == 0)
			return &r->accounts[i];
	abort();
}

void sim_realm_record_path(const struct sim_realm *r, const char *account, char out[256])
{
	char path[CB_RECORD_PATH_MAX];

	cb_record_path(find_account(r, account)->keys.locator, path);
	snprintf(out, 256, "%s%s", SIM_REALM_BASE, path);
}

void sim_realm_change_account(struct sim_realm *r, const char *name,
			      void (*change)(struct cb_record *content))
{
	unsigned i = (unsigned)(find_account(r, name) - r->accounts);
	struct cb_record c = content_of(i, 1);

	change(&c);
	add_account(r, i, &c);
	sim_realm_reload(r);
}

size_t sim_realm_config(const struct sim_realm *r, const struct sim_realm_loader *loader,
			uint8_t out[SIM_REALM_CONFIG_MAX])
{
	struct cb_config c = { .root = cb_file_bytes(&r->root),
			       .stamped_s = NOW_S,
			       .no_prefetch = loader->no_prefetch,
			       .allow_next_option = loader->allow_next_option,
			       .no_dhcp_mirror = loader->no_dhcp_mirror };
	c.tls.n_pins = loader->has_pin;
	char urls[CB_CONFIG_MAX_MIRRORS][300], near[CB_CONFIG_MAX_NEAR][300], root[64];
	size_t len;

	if (loader->root_version > 1) {
		snprintf(root, sizeof(root), SIM_REALM_BASE "metadata/%u.root.json",
			 loader->root_version);
		c.root = sim_file_bytes(r->store, root);
	}
	memcpy(c.realm_id, r->realm_id, sizeof(c.realm_id));
	for (; loader->hosts[c.n_mirrors]; c.n_mirrors++) {
		snprintf(urls[c.n_mirrors], sizeof(urls[0]), "http://%s%s",
			 loader->hosts[c.n_mirrors], SIM_REALM_BASE);
		c.mirrors[c.n_mirrors] = cb_bytes_of(urls[c.n_mirrors]);
	}
	for (; loader->near && loader->near[c.n_near]; c.n_near++) {
		snprintf(near[c.n_near], sizeof(near[0]), "http://%s%s", loader->near[c.n_near],
			 SIM_REALM_BASE);
		c.near[c.n_near] = cb_bytes_of(near[c.n_near]);
	}
	if (loader->kiosk) {
		c.has_autologin = true;
		strcpy(c.autologin_account, loader->kiosk);
		memcpy(c.autologin_key, find_account(r, loader->kiosk)->keys.k, CB_LOGIN_KEY_LEN);
	}
	must(cb_config_write(&c, out, SIM_REALM_CONFIG_MAX, &len), NULL);
	return len;
}
