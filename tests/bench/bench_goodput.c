/* SPDX-License-Identifier: MIT */
/* The engine's goodput over simulated lines, in virtual time, for some numbers of connections. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fetch.h"
#include "sim_link.h"

#define N_CHUNKS 200u
#define CHUNK_LEN 100000u
#define N_SEEDS 5u
#define LINE_BYTES_MS 12500u /* 100 Mbit/s */
#define QUEUE_MS 50u
#define DEADLINE_MS 1000000u

struct run {
	struct sim *sim;
	struct cb_fetch *fetch;
	struct cb_job *job;
	uint8_t digests[N_CHUNKS][CB_DIGEST_LEN];
	unsigned n_done;
	uint64_t start_ms, at_95_ms, end_ms;
};

struct result {
	double total_s, tail_s, sent_share;
	unsigned n_retries;
};

static void describe(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct run *r = ctx;

	*ret = (struct cb_fetch_item){ .len = CHUNK_LEN,
				       .is_exact = true,
				       .digest = CB_DIGEST_BLAKE2B_256,
				       .source = CB_FETCH_ANY_SOURCE };
	snprintf(ret->path, sizeof(ret->path), "%u", item);
	memcpy(ret->expect, r->digests[item], CB_DIGEST_LEN);
}

static enum cb_err deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct run *r = ctx;

	(void)item;
	(void)bytes;
	(void)source;
	if (++r->n_done == N_CHUNKS * 95 / 100)
		r->at_95_ms = sim_now(r->sim);
	return CB_OK;
}

static enum sim_status step(void *ctx, uint64_t *wake_ms)
{
	struct run *r = ctx;
	bool is_busy = cb_fetch_step(r->fetch, wake_ms);

	if (cb_job_status(r->job, NULL, NULL) != CB_JOB_RUNNING)
		return SIM_DONE;
	return is_busy ? SIM_AGAIN : SIM_IDLE;
}

static void make_files(struct run *r, struct sim_server *server)
{
	uint8_t *bytes = malloc(CHUNK_LEN);
	char path[32];

	for (unsigned i = 0; i < N_CHUNKS; i++) {
		for (size_t k = 0; k < CHUNK_LEN; k++)
			bytes[k] = (uint8_t)(i + k * k / 251);
		cb_blake2b_256((struct cb_bytes){ bytes, CHUNK_LEN }, r->digests[i]);
		snprintf(path, sizeof(path), "/%u", i);
		sim_file(server, path, bytes, CHUNK_LEN);
	}
	free(bytes);
}

static void bring_up(struct sim *sim)
{
	enum cb_err err = CB_OK;

	while (!sim_bring_up(sim, &err))
		(void)sim_sleep(sim, UINT64_MAX);
	if (err != CB_OK)
		abort();
}

static void fetch_all(struct run *r)
{
	const struct cb_job_params params = {
		.ctx = r,
		.n_items = N_CHUNKS,
		.describe = describe,
		.deliver = deliver,
		.absent_err = CB_CHUNK_MISSING,
		.wrong_err = CB_CHUNK_HASH,
	};

	r->start_ms = sim_now(r->sim);
	if (cb_fetch_submit(r->fetch, &params, &r->job) != CB_OK ||
	    !sim_run_until(r->sim, step, r, DEADLINE_MS) ||
	    cb_job_status(r->job, NULL, NULL) != CB_JOB_DONE) {
		fprintf(stderr, "the job did not end well\n");
		exit(1);
	}
	r->end_ms = sim_now(r->sim);
}

/* One transfer of all chunks over at most n_connections (16: two mirrors). */
static struct result transfer(uint64_t seed, unsigned n_connections, uint32_t loss_ppm,
			      uint32_t delay_us)
{
	static const char *const hosts[] = { "a", "b" };
	unsigned n_mirrors = n_connections > 8 ? 2 : 1;
	struct sim_path path = { .delay_us = delay_us,
				 .rate_bytes_ms = LINE_BYTES_MS,
				 .queue_bytes = LINE_BYTES_MS * QUEUE_MS,
				 .loss_ppm = loss_ppm };
	struct sim_link link = { .up = path, .down = path };
	struct run r = { .sim = sim_new(seed) };
	struct sim_link_stats line;
	struct cb_fetch_stats stats;
	char url[16];

	sim_use_frames(r.sim, &link);
	if (cb_fetch_new(sim_platform(r.sim), &r.fetch) != CB_OK)
		abort();
	for (unsigned i = 0; i < n_mirrors; i++) {
		struct sim_server *server = sim_add_server(r.sim, hosts[i], 80);

		sim_behaviour(server)->max_connections = n_connections / n_mirrors;
		make_files(&r, server);
		snprintf(url, sizeof(url), "http://%s/", hosts[i]);
		if (cb_fetch_add_mirror(r.fetch, cb_bytes_of(url), NULL) != CB_OK)
			abort();
	}
	bring_up(r.sim);
	fetch_all(&r);
	sim_link_stats(r.sim, &line);
	cb_fetch_stats(r.fetch, &stats);
	struct result result = {
		.total_s = (double)(r.end_ms - r.start_ms) / 1000,
		.tail_s = (double)(r.end_ms - r.at_95_ms) / 1000,
		.sent_share = (double)stats.body_bytes / (N_CHUNKS * CHUNK_LEN),
		.n_retries = stats.n_retries,
	};
	cb_job_free(r.job);
	cb_fetch_free(r.fetch);
	sim_free(r.sim);
	return result;
}

static void measure(unsigned n_connections, uint32_t loss_ppm, uint32_t delay_us)
{
	struct result sum = { 0 };

	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct result one = transfer(seed, n_connections, loss_ppm, delay_us);
		sum.total_s += one.total_s / N_SEEDS;
		sum.tail_s += one.tail_s / N_SEEDS;
		sum.sent_share += one.sent_share / N_SEEDS;
		sum.n_retries += one.n_retries;
	}
	double rate = N_CHUNKS * CHUNK_LEN / sum.total_s / 1e6;
	printf("%11u %5.1f %8u %7.2f %8.2f %7.1f %10.2f %9.2f %8.1f\n", n_connections,
	       loss_ppm / 1e4, delay_us / 1000, sum.total_s, rate, rate / 12.5 * 100, sum.tail_s,
	       sum.sent_share, (double)sum.n_retries / N_SEEDS);
}

int main(void)
{
	static const unsigned numbers[] = { 1, 4, 8, 16 };
	static const uint32_t losses[] = { 0, 10000 };
	static const uint32_t delays_us[] = { 250, 20000 };

	printf("20 MB in chunks of 100 kB at 100 Mbit/s, queue 50 ms, mean of %u seeds\n", N_SEEDS);
	printf("connections loss%% delay_ms seconds    MB/s line%% last-5%%-s body-share  retries\n");
	for (unsigned d = 0; d < 2; d++)
		for (unsigned l = 0; l < 2; l++)
			for (unsigned i = 0; i < 4; i++)
				measure(numbers[i], losses[l], delays_us[d]);
	return 0;
}
