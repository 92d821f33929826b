/* SPDX-License-Identifier: MIT */
/* Rollback state and cache of a campaign's machine: given to it, and looked at after each boot. */
#include "sim_keep.h"
#include "sim_internal.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE 60000ull
/* Not a whole number of segments: what is behind the last one is none of the cache's business. */
#define N_BLOCKS (2048u + 7)
#define N_SMALL_BLOCKS (1024u + 7)
#define ROT_OF 50

static const char *const hosts[] = { "a", NULL };

struct sim_stock {
	const struct sim_realm *realm;
	struct sim_var vars[SIM_MAX_VARS];
	struct sim_block *empty, *filled, *crowded;
};

static void must(bool is_good)
{
	if (!is_good)
		abort();
}

static struct sim_block *copy_of(struct sim_block *disk)
{
	return sim_block_cut(disk, sim_block_n_events(disk), 0);
}

/* ---- What earlier boots have left ---- */

static void boot_as(struct sim *sim, const struct sim_realm *realm, const char *kiosk)
{
	struct sim_boot b;

	sim_boot_init(&b, sim, realm, &(struct sim_realm_loader){ .hosts = hosts, .kiosk = kiosk });
	must(sim_boot_run(&b, sim_now(sim) + MINUTE) && b.status == CB_BOOT_READY);
	cb_boot_close_network(b.boot);
	sim_boot_done(&b);
}

/* Chunks of images that are gone, in all segments. */
static void crowd(const struct cb_mem *mem, struct sim_block *disk)
{
	static uint8_t content[3000];
	struct cb_block device = sim_block(disk);
	struct cb_cache_stats stats;
	struct cb_cache *cache;

	must(cb_cache_new(mem, &device, &cache) == CB_OK);
	while (cb_cache_step(cache) == CB_CACHE_OPENING)
		;
	do {
		uint8_t key[CB_DIGEST_LEN];

		content[0]++;
		content[1] = (uint8_t)(content[1] + (content[0] == 0));
		cb_blake2b_256((struct cb_bytes){ content, sizeof(content) }, key);
		must(cb_cache_append(cache, CB_CACHE_CHUNK, key,
				     (struct cb_bytes){ content, sizeof(content) }));
		cb_cache_stats(cache, &stats);
	} while (stats.n_used_segments < stats.n_segments);
	must(cb_cache_commit(cache));
	cb_cache_free(cache);
}

struct sim_stock *sim_stock_new(const struct sim_realm *realm)
{
	struct sim_stock *stock = sim_grow(NULL, sizeof(*stock));
	struct sim *sim = sim_new(1);
	struct cb_block device;

	stock->realm = realm;
	stock->empty = sim_cache_new(1, N_BLOCKS);
	stock->filled = copy_of(stock->empty);
	sim_realm_serve(realm, sim_add_server(sim, hosts[0], 80));
	device = sim_block(stock->filled);
	sim_set_block(sim, &device);
	boot_as(sim, realm, "kim");
	boot_as(sim, realm, NULL);
	memcpy(stock->vars, sim->vars, sizeof(stock->vars));
	stock->crowded = sim_cache_new(2, N_SMALL_BLOCKS);
	crowd(&sim->platform.mem, stock->crowded);
	sim_free(sim);
	return stock;
}

void sim_stock_free(struct sim_stock *stock)
{
	sim_block_free(stock->empty);
	sim_block_free(stock->filled);
	sim_block_free(stock->crowded);
	free(stock);
}

/* ---- What the machine gets ---- */

static struct sim_block *disk_of(struct sim_stock *stock, enum sim_keep_cache cache)
{
	if (cache == SIM_KEEP_EMPTY || cache == SIM_KEEP_UNWRITABLE)
		return copy_of(stock->empty);
	return copy_of(cache == SIM_KEEP_CROWDED ? stock->crowded : stock->filled);
}

static void set_faults(struct sim_keep *k, uint64_t *state)
{
	struct sim_block_faults *f = sim_block_faults(k->disk);
	uint64_t n = 1 + sim_pick(state, 16);

	f->fails_on = sim_pick(state, 2);
	if (k->cache == SIM_KEEP_ROTTEN)
		sim_cache_rot(k->disk, sim_pick(state, UINT64_MAX), ROT_OF);
	else if (k->cache == SIM_KEEP_UNREADABLE)
		f->fail_read = n;
	else if (k->cache == SIM_KEEP_LYING)
		f->rots = n;
	else if (k->cache == SIM_KEEP_UNWRITABLE)
		f->fail_write = n % 6 + 1;
}

static void load_state(const struct sim_keep *k, struct cb_state *ret)
{
	struct cb_state_store store;

	cb_state_load(&store, &k->sim->platform.vars, sim_realm_id(k->realm));
	*ret = store.known;
}

/* What there is now is what must stay. */
static void remember(struct sim_keep *k)
{
	size_t len;
	const uint8_t *bytes;

	load_state(k, &k->state);
	if (!k->disk)
		return;
	sim_cache_look(k->disk, &k->view);
	bytes = sim_block_bytes(k->disk, &len);
	k->bytes = sim_grow(k->bytes, len);
	memcpy(k->bytes, bytes, len);
}

void sim_keep_begin_with(struct sim_keep *k, struct sim_stock *stock, struct sim *sim,
			 uint64_t seed, enum sim_keep_cache cache, bool has_state)
{
	uint64_t state = seed;

	memset(k, 0, sizeof(*k));
	k->realm = stock->realm;
	k->sim = sim;
	k->cache = cache;
	k->has_state = has_state;
	if (has_state)
		memcpy(sim->vars, stock->vars, sizeof(sim->vars));
	if (cache != SIM_KEEP_NONE) {
		struct cb_block device;

		k->disk = disk_of(stock, cache);
		set_faults(k, &state);
		device = sim_block(k->disk);
		sim_set_block(sim, &device);
	}
	remember(k);
}

void sim_keep_begin(struct sim_keep *k, struct sim_stock *stock, struct sim *sim, uint64_t seed)
{
	/* Apart from the numbers of the scenario. */
	uint64_t state = ~seed;
	bool has_state = sim_pick(&state, 2), has_cache = sim_pick(&state, 2);
	uint64_t cache = has_cache ? 1 + sim_pick(&state, SIM_KEEP_N - 1) : SIM_KEEP_NONE;

	sim_keep_begin_with(k, stock, sim, state, (enum sim_keep_cache)cache, has_state);
}

bool sim_keep_is_complete(const struct sim_keep *k)
{
	return k->cache == SIM_KEEP_FILLED;
}

bool sim_keep_has_some(const struct sim_keep *k)
{
	return k->cache >= SIM_KEEP_FILLED && k->cache <= SIM_KEEP_LYING;
}

const char *sim_keep_name(const struct sim_keep *k)
{
	static const char *const names[SIM_KEEP_N][2] = {
		[SIM_KEEP_NONE] = { "no cache", "no cache, stored versions" },
		[SIM_KEEP_EMPTY] = { "empty cache", "empty cache, stored versions" },
		[SIM_KEEP_FILLED] = { "filled cache", "filled cache, stored versions" },
		[SIM_KEEP_ROTTEN] = { "rotten cache", "rotten cache, stored versions" },
		[SIM_KEEP_UNREADABLE] = { "unreadable cache", "unreadable cache, stored versions" },
		[SIM_KEEP_LYING] = { "lying cache", "lying cache, stored versions" },
		[SIM_KEEP_UNWRITABLE] = { "unwritable cache", "unwritable cache, stored versions" },
		[SIM_KEEP_CROWDED] = { "crowded cache", "crowded cache, stored versions" },
	};

	return names[k->cache][k->has_state];
}

/* ---- What must hold ---- */

static void judge_state(const struct sim_keep *k, struct sim_verdict *v)
{
	const struct cb_state *old = &k->state;
	struct cb_state now;

	load_state(k, &now);
	for (unsigned role = 0; role < CB_TUF_N_ROLES; role++)
		if (now.floor.version[role] < old->floor.version[role])
			sim_say(v, "stored version of role %u fell from %ju to %ju", role,
				(uintmax_t)old->floor.version[role],
				(uintmax_t)now.floor.version[role]);
	if (now.floor.time_s < old->floor.time_s)
		sim_say(v, "the clock's floor fell");
	for (unsigned i = 0; i < CB_STATE_MAX_ACCOUNTS; i++) {
		const struct cb_state_account *a = &old->accounts[i];
		bool is_kept = a->epoch == 0;

		for (unsigned n = 0; n < CB_STATE_MAX_ACCOUNTS; n++)
			is_kept |= memcmp(now.accounts[n].uid_digest, a->uid_digest,
					  sizeof(a->uid_digest)) == 0 &&
				now.accounts[n].epoch >= a->epoch;
		if (!is_kept)
			sim_say(v, "an account's stored epoch fell");
	}
}

/* Label and what lies behind the last segment: nobody writes there. */
static void judge_outside(const struct sim_keep *k, struct sim_verdict *v)
{
	size_t len, end = k->view.is_open ? (size_t)k->view.layout.n_pages * CB_CACHE_PAGE : 0;
	const uint8_t *bytes = sim_block_bytes(k->disk, &len);

	/* What can't be opened is no cache, and none of it may be written. */
	if (memcmp(bytes, k->bytes, CB_CACHE_PAGE) != 0 ||
	    memcmp(bytes + end, k->bytes + end, len - end) != 0)
		sim_say(v, "bytes outside of the cache have changed");
}

/* Was its segment taken for something else? Only where there was none without anything in it. */
static bool is_evicted(const struct sim_cache_view *now, const struct sim_cache_record *r)
{
	for (uint32_t i = 0; i < now->layout.n_segments; i++)
		if (now->generation[i] == 0)
			return false;
	return now->generation[r->segment] != r->generation;
}

static void judge_record(const struct sim_keep *k, const struct sim_cache_view *now,
			 const struct sim_cache_record *r, struct sim_verdict *v)
{
	const struct sim_cache_record *is = sim_cache_find(now, r->kind, r->key);
	/* What can't be read when it is wanted is fetched, and perhaps not kept a second time. */
	bool may_go = k->cache == SIM_KEEP_UNREADABLE || k->cache == SIM_KEEP_LYING;

	if (!r->is_good || (is && is->is_good))
		return;
	/* A superblock that reads as a torn one leaves the older one, and what comes is put behind that. */
	if (is && k->cache == SIM_KEEP_LYING)
		return;
	if (is)
		sim_say(v, "a record of kind %d is not good any more", (int)r->kind);
	else if (!may_go && !is_evicted(now, r))
		sim_say(v, "a record of kind %d is gone, and was not evicted", (int)r->kind);
}

static void judge_cache(struct sim_keep *k, struct sim_verdict *v)
{
	struct sim_cache_view now;

	judge_outside(k, v);
	sim_cache_look(k->disk, &now);
	if (now.is_open != k->view.is_open)
		sim_say(v, "the cache can't be opened any more");
	for (unsigned i = 0; now.is_open && i < k->view.n; i++)
		judge_record(k, &now, &k->view.records[i], v);
	for (unsigned i = 0; i < now.n; i++) {
		const struct sim_cache_record *r = &now.records[i];
		if (!r->is_good && !sim_cache_find(&k->view, r->kind, r->key))
			sim_say(v, "a record of kind %d was written wrong", (int)r->kind);
	}
}

void sim_keep_judge(struct sim_keep *k, struct sim_verdict *v)
{
	judge_state(k, v);
	if (k->disk)
		judge_cache(k, v);
	remember(k);
}

static void judge_chunks(const struct sim_keep *k, const struct sim_server *server,
			 struct sim_verdict *v)
{
	for (unsigned i = 0; i < sim_realm_n_chunks(k->realm); i++) {
		const struct sim_cache_record *r;
		uint8_t key[CB_DIGEST_LEN];
		char path[256];

		sim_realm_chunk_path(k->realm, i, path);
		cb_blake2b_256(sim_file_bytes(server, path), key);
		r = sim_cache_find(&k->view, CB_CACHE_CHUNK, key);
		if (!r || !r->is_good)
			sim_say(v, "after a good boot the cache lacks chunk %u", i);
	}
}

void sim_keep_judge_next(struct sim_keep *k, struct sim_boot *b,
			 const struct sim_realm_loader *loader, struct sim_verdict *v)
{
	if (!k->disk || v->text[0] != '\0')
		return;
	*sim_block_faults(k->disk) = (struct sim_block_faults){ 0 };
	cb_boot_close_network(b->boot);
	sim_boot_done(b);
	sim_boot_init(b, k->sim, k->realm, loader);
	if (!sim_boot_run(b, sim_now(k->sim) + 10 * MINUTE) || b->status != CB_BOOT_READY) {
		sim_say(v, "the next boot fails: stage %d, %s (%s)", sim_stage(k->sim),
			cb_err_info(sim_last_err(k->sim, CB_EVENT_ERROR))->name,
			sim_last_subject(k->sim, CB_EVENT_ERROR));
		return;
	}
	sim_judge_ready(v, b, k->realm);
	if (b->n_offline > 0)
		sim_say(v, "the next boot is offline");
	sim_keep_judge(k, v);
	if (k->view.is_open)
		judge_chunks(k, k->sim->servers[0], v);
}

void sim_keep_end(struct sim_keep *k)
{
	sim_block_free(k->disk);
	free(k->bytes);
	memset(k, 0, sizeof(*k));
}

unsigned sim_keep_campaign(const char *name, uint64_t n,
			   void (*run)(void *ctx, uint64_t seed, struct sim_verdict *ret))
{
	struct sim_world world = { .realm = sim_realm_new() };
	struct sim_campaign campaign = {
		.name = name,
		.first = 1,
		.last = n,
		.run = run,
		.ctx = &world,
	};
	unsigned n_bad;

	world.stock = sim_stock_new(world.realm);
	n_bad = sim_campaign_run(&campaign);
	sim_stock_free(world.stock);
	sim_realm_free(world.realm);
	return n_bad;
}
