/* SPDX-License-Identifier: MIT */
/* Unit tests of the memory plans: sizes, places, and the initrd that comes out. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "core/imageplan.h"
#include "sim.h"

#define N_CHUNKS 150 /* more than are in the crew's hands at once */
#define KERNEL_CHUNKS 3
#define RAW_MAX 3000
#define MIB (1ull << 20)

/* A kernel, an initrd, an empty one, and a third; all chunks of different, mostly odd lengths. */
struct world {
	struct sim *sim;
	struct cb_manifest m;
	uint8_t *manifest_file;
	struct cb_chunk chunks[N_CHUNKS];
	uint8_t raw[N_CHUNKS][RAW_MAX];
	uint8_t stored[N_CHUNKS][2 * RAW_MAX];
	uint8_t *want; /* the initrds as the kernel gets them */
	size_t want_len;
	struct cb_crew *crew;
	struct cb_imageplan plan;
};

static void make_chunk(struct world *w, unsigned i)
{
	struct cb_chunk *c = &w->chunks[i];

	c->raw_len = 1 + i * 19 % RAW_MAX;
	for (uint32_t k = 0; k < c->raw_len; k++)
		w->raw[i][k] = (uint8_t)(sim_random(w->sim) % 7);
	c->stored_len = (uint32_t)ZSTD_compress(w->stored[i], sizeof(w->stored[i]), w->raw[i],
						c->raw_len, 1);
	cb_blake2b_256((struct cb_bytes){ w->stored[i], c->stored_len }, c->digest);
	c->id[0] = (uint8_t)i;
}

static void add_segment(struct world *w, enum cb_segment_role role, uint32_t n)
{
	struct cb_segment *s = &w->m.segments[w->m.n_segments++];

	*s = (struct cb_segment){ .role = role, .first_chunk = w->m.n_chunks, .n_chunks = n };
	for (uint32_t i = 0; i < n; i++) {
		const struct cb_chunk *c = &w->chunks[w->m.n_chunks + i];

		s->raw_len += c->raw_len;
		w->m.stored_total += c->stored_len;
		if (role == CB_ROLE_INITRD) {
			memcpy(w->want + w->want_len, w->raw[w->m.n_chunks + i], c->raw_len);
			w->want_len += c->raw_len;
		}
	}
	while (w->want_len % 4)
		w->want[w->want_len++] = 0;
	w->m.n_chunks += n;
	w->m.raw_total += s->raw_len;
}

static void world_init(struct world *w, unsigned n_workers)
{
	struct cb_bytes file;

	memset(w, 0, sizeof(*w));
	w->sim = sim_new(5);
	sim_set_workers(w->sim, n_workers, 2);
	w->want = malloc(N_CHUNKS * RAW_MAX);
	for (unsigned i = 0; i < N_CHUNKS; i++)
		make_chunk(w, i);
	w->m.kind = CB_KIND_LINUX;
	w->m.arch = CB_ARCH_X86_64;
	add_segment(w, CB_ROLE_KERNEL, KERNEL_CHUNKS);
	add_segment(w, CB_ROLE_INITRD, 10);
	add_segment(w, CB_ROLE_INITRD, 0);
	add_segment(w, CB_ROLE_INITRD, N_CHUNKS - KERNEL_CHUNKS - 10);
	file.len = cb_manifest_len(&w->m);
	file.p = w->manifest_file = malloc(file.len);
	cb_manifest_write(&w->m, w->chunks, w->manifest_file);
	assert_int_equal(cb_manifest_parse(file, &w->m), CB_OK);
	assert_int_equal(cb_crew_new(sim_platform(w->sim), &w->crew), CB_OK);
}

static void world_done(struct world *w)
{
	cb_imageplan_done(&w->plan);
	cb_crew_free(w->crew);
	assert_int_equal(sim_live_allocations(w->sim), 0);
	free(w->manifest_file);
	free(w->want);
	sim_free(w->sim);
}

static enum cb_err make_plan(struct world *w, uint64_t free_bytes)
{
	return cb_imageplan_make(&sim_platform(w->sim)->mem, &w->m, free_bytes, &w->plan);
}

static uint64_t deferred_need(const struct world *w)
{
	return w->m.raw_total + w->m.stored_total + 32 * MIB;
}

static uint64_t early_need(const struct world *w)
{
	return w->m.raw_total + w->want_len + 96 * MIB;
}

/* All chunks, as they would come: in any order. */
static void bring_all(struct world *w)
{
	struct cb_piece piece;

	for (unsigned i = 0; i < N_CHUNKS; i++) {
		unsigned k = i * 7 % N_CHUNKS;

		cb_imageplan_piece(&w->plan, k, &piece);
		assert_int_equal(piece.number, k);
		piece.stored = (struct cb_bytes){ w->stored[k], w->chunks[k].stored_len };
		cb_crew_add(w->crew, &piece);
		(void)cb_crew_step(w->crew, /*helps=*/true);
		cb_crew_wait(w->crew);
		assert_ptr_equal(cb_crew_done(w->crew), &piece);
		assert_int_equal(piece.err, CB_OK);
	}
}

static void choice(void **state)
{
	const struct {
		uint64_t free_bytes;
		enum cb_err err;
		bool is_deferred;
	} cases[] = {
		{ 0, CB_OK, false },
		{ UINT64_MAX, CB_OK, false },
		{ 1, CB_MEMORY_SHORT, false },
	};
	struct world w;

	(void)state;
	world_init(&w, 0);
	assert_true(deferred_need(&w) < early_need(&w));
	assert_int_equal(cb_imageplan_need(&w.m), deferred_need(&w));
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		assert_int_equal(make_plan(&w, cases[k].free_bytes), cases[k].err);
		assert_int_equal(w.plan.is_deferred, cases[k].is_deferred);
		cb_imageplan_done(&w.plan);
	}
	assert_int_equal(make_plan(&w, early_need(&w)), CB_OK);
	assert_false(w.plan.is_deferred);
	cb_imageplan_done(&w.plan);
	assert_int_equal(make_plan(&w, early_need(&w) - 1), CB_OK);
	assert_true(w.plan.is_deferred);
	cb_imageplan_done(&w.plan);
	assert_int_equal(make_plan(&w, deferred_need(&w)), CB_OK);
	assert_true(w.plan.is_deferred);
	cb_imageplan_done(&w.plan);
	assert_int_equal(make_plan(&w, deferred_need(&w) - 1), CB_MEMORY_SHORT);
	world_done(&w);
}

/* What goes in comes out, whichever plan, whoever works, and not one byte beside it. */
static void both_plans_serve(void **state)
{
	(void)state;
	for (unsigned n_workers = 0; n_workers < 5; n_workers += 2)
		for (unsigned deferred = 0; deferred < 2; deferred++) {
			uint32_t chunk = 77;
			uint64_t n_allocs, live_bytes;
			struct world w;
			uint8_t *out;

			world_init(&w, n_workers);
			assert_int_equal(make_plan(&w, deferred ? deferred_need(&w) : 0), CB_OK);
			assert_int_equal(w.plan.is_deferred, deferred);
			assert_int_equal(w.plan.initrd_len, w.want_len);
			bring_all(&w);
			assert_memory_equal(w.plan.first, w.raw[0], w.chunks[0].raw_len);
			out = malloc(w.want_len);
			memset(out, 0xee, w.want_len);
			n_allocs = sim_n_allocations(w.sim);
			live_bytes = sim_live_bytes(w.sim);
			assert_int_equal(cb_imageplan_serve(&w.plan, w.crew, out, &chunk), CB_OK);
			assert_int_equal(sim_n_allocations(w.sim), n_allocs);
			assert_memory_equal(out, w.want, w.want_len);
			assert_int_equal(sim_live_bytes(w.sim), live_bytes);
			assert_int_equal(cb_imageplan_serve(&w.plan, w.crew, out, &chunk),
					 CB_INTERNAL);
			assert_int_equal(chunk, 77);
			free(out);
			world_done(&w);
		}
}

/* The deferred plan keeps the stored bytes without gaps: its memory is their sum. */
static void kept_tightly(void **state)
{
	uint64_t before, len = 0;
	struct world w;

	(void)state;
	world_init(&w, 0);
	for (unsigned i = KERNEL_CHUNKS; i < N_CHUNKS; i++)
		len += w.chunks[i].stored_len;
	before = sim_live_bytes(w.sim);
	assert_int_equal(make_plan(&w, deferred_need(&w)), CB_OK);
	assert_in_range(sim_live_bytes(w.sim) - before,
			len + w.m.segments[0].raw_len + 8 * N_CHUNKS,
			len + w.m.segments[0].raw_len + 8 * N_CHUNKS + 65536);
	bring_all(&w);
	for (unsigned i = KERNEL_CHUNKS; i < N_CHUNKS; i++) {
		assert_memory_equal(w.plan.initrd + w.plan.chunk_at[i], w.stored[i],
				    w.chunks[i].stored_len);
		if (i > KERNEL_CHUNKS)
			assert_int_equal(w.plan.chunk_at[i],
					 w.plan.chunk_at[i - 1] + w.chunks[i - 1].stored_len);
	}
	world_done(&w);
}

/* A chunk that was published as garbage is named, wherever it is, and nothing is left under way. */
static void garbage(void **state)
{
	static const unsigned bad[] = { KERNEL_CHUNKS, 40, N_CHUNKS - 1 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t chunk = 0;
		struct world w;
		uint8_t *out;

		world_init(&w, i % 2 ? 3 : 0);
		assert_int_equal(make_plan(&w, deferred_need(&w)), CB_OK);
		bring_all(&w);
		memset(w.plan.initrd + w.plan.chunk_at[bad[i / 2]], 0x55, 4);
		out = malloc(w.want_len);
		assert_int_equal(cb_imageplan_serve(&w.plan, w.crew, out, &chunk), CB_CHUNK_DECODE);
		assert_int_equal(chunk, bad[i / 2]);
		assert_int_equal(sim_n_waiting(w.sim), 0);
		assert_null(cb_crew_abandon(w.crew));
		free(out);
		world_done(&w);
	}
}

/* Memory in pieces: where the early plan finds no room, the deferred one may. */
static void allocation_failures(void **state)
{
	unsigned n_deferred = 0;

	(void)state;
	for (unsigned n = 1; n <= 5; n++)
		for (unsigned forever = 0; forever < 2; forever++) {
			enum cb_err err;
			struct world w;

			world_init(&w, 0);
			sim_fail_alloc(w.sim, n, forever);
			err = make_plan(&w, 0);
			n_deferred += err == CB_OK && w.plan.is_deferred;
			if (err != CB_OK) {
				assert_null(w.plan.mem);
				assert_true(err == CB_NO_MEMORY || err == CB_MEMORY_SHORT);
				assert_int_equal(err == CB_MEMORY_SHORT, forever && n <= 2);
			}
			world_done(&w);
		}
	assert_int_equal(n_deferred, 2);
}

static uint64_t largest;

static void *refuse(void *ctx, size_t len)
{
	(void)ctx;
	largest = len > largest ? len : largest;
	return NULL;
}

/* Sizes past 4 GiB are not cut anywhere. */
static void five_gib(void **state)
{
	const struct cb_mem mem = { .alloc = refuse };
	const uint64_t raw = 5 * 1024 * MIB + 5, kernel = 14 * MIB, stored = 2500 * MIB;
	struct cb_imageplan plan = { 0 };
	struct cb_manifest m = {
		.kind = CB_KIND_LINUX,
		.n_segments = 2,
		.segments = { { .role = CB_ROLE_KERNEL, .raw_len = kernel },
			      { .role = CB_ROLE_INITRD, .raw_len = raw } },
		.raw_total = kernel + raw,
		.stored_total = stored,
	};

	(void)state;
	assert_int_equal(cb_imageplan_need(&m), kernel + raw + stored + 32 * MIB);
	largest = 0;
	assert_int_equal(cb_imageplan_make(&mem, &m, 16384 * MIB, &plan), CB_MEMORY_SHORT);
	assert_int_equal(largest, raw + 3);
}

/* One segment and no initrd: the plans differ by nothing but what they leave free. */
static void application(void **state)
{
	const struct cb_mem mem = { .alloc = refuse };
	struct cb_imageplan plan = { 0 };
	struct cb_manifest m = {
		.kind = CB_KIND_EFI,
		.n_segments = 1,
		.segments = { { .role = CB_ROLE_APPLICATION, .raw_len = 200 * MIB } },
		.raw_total = 200 * MIB,
		.stored_total = 190 * MIB,
	};

	(void)state;
	assert_int_equal(cb_imageplan_need(&m), 296 * MIB);
	m.stored_total = 10 * MIB;
	assert_int_equal(cb_imageplan_need(&m), 242 * MIB);
	largest = 0;
	assert_int_equal(cb_imageplan_make(&mem, &m, 242 * MIB - 1, &plan), CB_MEMORY_SHORT);
	assert_int_equal(largest, 0);
	assert_int_equal(cb_imageplan_make(&mem, &m, 242 * MIB, &plan), CB_MEMORY_SHORT);
	assert_int_equal(largest, 200 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choice),
		cmocka_unit_test(both_plans_serve),
		cmocka_unit_test(kept_tightly),
		cmocka_unit_test(garbage),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(five_gib),
		cmocka_unit_test(application),
	};

	return cmocka_run_group_tests_name("imageplan", tests, NULL, NULL);
}
