/* SPDX-License-Identifier: MIT */
/* Unit tests of the crew: with no worker, with the simulator's, with threads. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "core/crew.h"
#include "host/workers.h"
#include "sim.h"

#define N_PIECES 40
#define RAW_MAX 200000

/* Chunks of different lengths and contents, and a crew. */
struct world {
	struct sim *sim;
	struct cb_platform platform;
	struct cb_crew *crew;
	struct cb_piece pieces[N_PIECES];
	uint8_t *raw[N_PIECES], *stored[N_PIECES];
	unsigned n_done[N_PIECES];
};

static void make_piece(struct world *w, unsigned i)
{
	struct cb_piece *p = &w->pieces[i];
	size_t raw_len = 1 + (size_t)i * i * (RAW_MAX - 1) / (N_PIECES * N_PIECES);
	size_t max = ZSTD_compressBound(raw_len), len;

	w->raw[i] = malloc(raw_len);
	for (size_t k = 0; k < raw_len; k++)
		w->raw[i][k] = (uint8_t)(sim_random(w->sim) % (2 + i));
	w->stored[i] = malloc(max);
	len = ZSTD_compress(w->stored[i], max, w->raw[i], raw_len, 1);
	assert_false(ZSTD_isError(len));
	*p = (struct cb_piece){ .chunk = { .raw_len = (uint32_t)raw_len,
					   .stored_len = (uint32_t)len },
				.stored = { w->stored[i], len },
				.out = malloc(raw_len) };
	cb_blake2b_256(p->stored, p->chunk.digest);
}

static void world_init(struct world *w, unsigned n_workers, uint32_t work_ms)
{
	memset(w, 0, sizeof(*w));
	w->sim = sim_new(3);
	sim_set_workers(w->sim, n_workers, work_ms);
	w->platform = *sim_platform(w->sim);
	for (unsigned i = 0; i < N_PIECES; i++)
		make_piece(w, i);
}

static void world_done(struct world *w)
{
	cb_crew_free(w->crew);
	assert_int_equal(sim_live_allocations(w->sim), 0);
	for (unsigned i = 0; i < N_PIECES; i++) {
		free(w->pieces[i].out);
		free(w->raw[i]);
		free(w->stored[i]);
	}
	sim_free(w->sim);
}

static void add_all(struct world *w)
{
	for (unsigned i = 0; i < N_PIECES; i++)
		cb_crew_add(w->crew, &w->pieces[i]);
}

/* What has come back is right, or refused where the piece is bad. */
static unsigned check_done(struct world *w, unsigned bad)
{
	struct cb_piece *p;
	unsigned n = 0;

	while ((p = cb_crew_done(w->crew))) {
		unsigned i = (unsigned)(p - w->pieces);

		assert_int_equal(w->n_done[i]++, 0);
		assert_int_equal(p->err, i == bad ? CB_CHUNK_HASH : CB_OK);
		if (i != bad)
			assert_memory_equal(p->out, w->raw[i], p->chunk.raw_len);
		n++;
	}
	return n;
}

static void every_piece_comes_back(void **state)
{
	static const struct {
		unsigned n_workers;
		uint32_t work_ms;
		bool helps;
	} cases[] = { { 0, 0, false }, { 0, 0, true },	{ 1, 5, false },
		      { 1, 5, true },  { 4, 7, false }, { 4, 0, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned n_self = 0, n = 0;
		struct world w;

		world_init(&w, cases[i].n_workers, cases[i].work_ms);
		w.stored[11][w.pieces[11].stored.len / 2] ^= 4;
		assert_int_equal(cb_crew_new(&w.platform, &w.crew), CB_OK);
		add_all(&w);
		for (unsigned turn = 0; n < N_PIECES && turn < 1000; turn++) {
			bool has_done = cb_crew_step(w.crew, cases[i].helps);

			n_self += has_done;
			assert_true(sim_n_waiting(w.sim) <= 2 * cases[i].n_workers);
			n += check_done(&w, 11);
			if (!has_done)
				(void)sim_sleep(w.sim, UINT64_MAX);
		}
		assert_int_equal(n, N_PIECES);
		if (cases[i].n_workers == 0)
			assert_int_equal(n_self, N_PIECES);
		else if (!cases[i].helps)
			assert_int_equal(n_self, 0);
		else
			assert_in_range(n_self, 1, N_PIECES - 1);
		assert_int_equal(n_self + sim_n_submitted(w.sim), N_PIECES);
		world_done(&w);
	}
}

/* Real threads share the decoders: none of them gets into another's way. */
static void threads(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct cb_threads *t;
		struct world w;
		unsigned n = 0;

		world_init(&w, 0, 0);
		assert_int_equal(cb_threads_new(3, &t), CB_OK);
		w.platform.workers = cb_threads_workers(t);
		assert_int_equal(cb_crew_new(&w.platform, &w.crew), CB_OK);
		add_all(&w);
		while (n < N_PIECES) {
			(void)cb_crew_step(w.crew, /*helps=*/true);
			n += check_done(&w, N_PIECES);
		}
		cb_threads_free(t);
		world_done(&w);
	}
}

/* Given up in the middle: every piece comes back once, and only those under way were touched. */
static void abandon(void **state)
{
	(void)state;
	for (unsigned n_workers = 0; n_workers < 3; n_workers++) {
		struct cb_piece *p;
		unsigned n = 0;
		struct world w;

		world_init(&w, n_workers, 10);
		assert_int_equal(cb_crew_new(&w.platform, &w.crew), CB_OK);
		assert_null(cb_crew_abandon(w.crew));
		add_all(&w);
		(void)cb_crew_step(w.crew, /*helps=*/true);
		for (; (p = cb_crew_abandon(w.crew)); n++)
			assert_int_equal(w.n_done[p - w.pieces]++, 0);
		assert_int_equal(n, N_PIECES);
		assert_int_equal(sim_n_waiting(w.sim), 0);
		world_done(&w);
	}
}

static void no_memory(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 4, 1);
	for (unsigned n = 1; n <= 6; n++) {
		sim_fail_alloc(w.sim, n, /*is_forever=*/false);
		assert_int_equal(cb_crew_new(&w.platform, &w.crew), CB_NO_MEMORY);
		assert_int_equal(sim_live_allocations(w.sim), 0);
	}
	sim_fail_alloc(w.sim, 0, false);
	assert_int_equal(cb_crew_new(&w.platform, &w.crew), CB_OK);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_piece_comes_back),
		cmocka_unit_test(threads),
		cmocka_unit_test(abandon),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}
