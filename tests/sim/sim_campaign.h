/* SPDX-License-Identifier: MIT */
/* Campaigns: a boot for each seed of a range, each in a process of its own, judged by one oracle. */
#ifndef TESTS_SIM_CAMPAIGN_H
#define TESTS_SIM_CAMPAIGN_H

#include "sim_boot.h"
#include "sim_link.h"

#define SIM_VERDICT_MAX 1024

/* How a run ended; text is empty when all was well. The scenario is shown with a failure. */
struct sim_verdict {
	char text[SIM_VERDICT_MAX];
	char scenario[SIM_VERDICT_MAX];
	uint64_t digest, took_ms; /* of events; virtual time to READY, or to the verdict */
	unsigned n_errors; /* error screens before READY */
};

struct sim_campaign {
	const char *name; /* of the test program without "test_" */
	uint64_t first, last; /* seeds, where SIM_SEEDS=FIRST-LAST does not say others */
	/* Makes and judges the run of a seed. It may end the process: that is a verdict too. */
	void (*run)(void *ctx, uint64_t seed, struct sim_verdict *ret);
	void *ctx;
};

/*
 * Runs the seeds and prints a line for each failure, with the command that repeats it, and a closing
 * line. Seeds in tests/sim/known-failures.txt must fail. Returns how many came out otherwise.
 * SIM_VERBOSE=1: a line for each seed.
 */
unsigned sim_campaign_run(const struct sim_campaign *campaign);
/* One run in a process of its own. */
void sim_campaign_run_one(const struct sim_campaign *campaign, uint64_t seed,
			  struct sim_verdict *ret);

/* Numbers of a seed's scenario, apart from those of the run itself. */
uint64_t sim_pick(uint64_t *state, uint64_t n);

/* Sets the verdict's text, the first time. */
__attribute__((format(printf, 2, 3))) void sim_say(struct sim_verdict *v, const char *format, ...);
/* The oracle for a machine that is READY: exactly the bytes that were published. */
void sim_judge_ready(struct sim_verdict *v, const struct sim_boot *b,
		     const struct sim_realm *realm);
/* Ends the boot and frees all but the realm: no stream, no memory may be left. */
void sim_judge_end(struct sim_verdict *v, struct sim_boot *b);

#endif
