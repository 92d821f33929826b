/* SPDX-License-Identifier: MIT */
/* Runs campaigns: seeds, processes, known failures, and what every run is judged by. */
#include "sim_campaign.h"
#include "sim_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAL_SECONDS_MAX 120 /* of one run, under valgrind on a busy machine too */
#define KNOWN_FILE "tests/sim/known-failures.txt"
#define KNOWN_MAX 256

uint64_t sim_pick(uint64_t *state, uint64_t n)
{
	/* splitmix64 */
	uint64_t x = (*state += 0x9e3779b97f4a7c15ull);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (x ^ x >> 31) % n;
}

void sim_say(struct sim_verdict *v, const char *format, ...)
{
	va_list args;

	if (v->text[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(v->text, sizeof(v->text), format, args);
	va_end(args);
}

static bool is_same(struct cb_bytes a, struct cb_bytes b)
{
	return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

void sim_judge_ready(struct sim_verdict *v, const struct sim_boot *b, const struct sim_realm *realm)
{
	const struct cb_boot_result *r = cb_boot_result(b->boot);

	if (!is_same(r->kernel, sim_realm_kernel(realm)))
		sim_say(v, "the kernel is not the one that was published");
	struct cb_bytes want = sim_realm_initrd(realm);
	uint8_t *initrd = sim_grow(NULL, r->initrd_len + 1);
	size_t len = r->initrd_len;
	enum cb_err err = cb_boot_serve_initrd(b->boot, initrd);
	if (err != CB_OK)
		sim_say(v, "the initrd is not served: %s", cb_err_info(err)->name);
	else if (!is_same((struct cb_bytes){ initrd, len }, want))
		sim_say(v, "the initrd is not the one that was published");
	free(initrd);
}

void sim_judge_end(struct sim_verdict *v, struct sim_boot *b)
{
	struct sim *sim = b->sim;

	v->digest = sim_digest(sim);
	cb_boot_close_network(b->boot);
	if (sim_open_streams(sim) > 0)
		sim_say(v, "%u streams are still open", sim_open_streams(sim));
	sim_boot_done(b);
	if (sim_has_frames(sim))
		sim_take_down(sim);
	if (sim_live_allocations(sim) > 0)
		sim_say(v, "%" PRIu64 " blocks are still allocated", sim_live_allocations(sim));
	sim_free(sim);
}

/* ---- One run ---- */

static void report_end(struct sim_verdict *v, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		sim_say(v, "no end after %d s of real time", REAL_SECONDS_MAX);
	else if (WIFSIGNALED(status))
		sim_say(v, "killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		sim_say(v, "ended with status %d", WEXITSTATUS(status));
}

void sim_campaign_run_one(const struct sim_campaign *campaign, uint64_t seed,
			  struct sim_verdict *ret)
{
	struct sim_verdict *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	if (shared == MAP_FAILED)
		abort();
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(REAL_SECONDS_MAX);
		campaign->run(campaign->ctx, seed, shared);
		fflush(NULL);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	report_end(shared, status);
	*ret = *shared;
	munmap(shared, sizeof(*shared));
}

/* ---- Many ---- */

struct known {
	uint64_t seeds[KNOWN_MAX];
	unsigned n;
};

/* Lines "CAMPAIGN SEED reason"; the reason must be there. */
static void read_known(const char *name, struct known *known)
{
	FILE *file = fopen(KNOWN_FILE, "r");
	char line[512], campaign[64], reason[8];
	uint64_t seed;

	while (file && fgets(line, sizeof(line), file)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (sscanf(line, "%63s %" SCNu64 " %7s", campaign, &seed, reason) != 3) {
			fprintf(stderr, "%s: malformed line: %s", KNOWN_FILE, line);
			exit(1);
		}
		if (strcmp(campaign, name) == 0 && known->n < KNOWN_MAX)
			known->seeds[known->n++] = seed;
	}
	if (file)
		fclose(file);
}

static bool is_known(const struct known *known, uint64_t seed)
{
	for (unsigned i = 0; i < known->n; i++)
		if (known->seeds[i] == seed)
			return true;
	return false;
}

static void seeds_of(const struct sim_campaign *campaign, uint64_t *ret_first, uint64_t *ret_last)
{
	const char *text = getenv("SIM_SEEDS");

	*ret_first = campaign->first;
	*ret_last = campaign->last;
	if (text && *text && sscanf(text, "%" SCNu64 "-%" SCNu64, ret_first, ret_last) != 2) {
		fprintf(stderr, "SIM_SEEDS is FIRST-LAST, not %s\n", text);
		exit(1);
	}
}

static bool judge_one(const struct sim_campaign *c, const struct known *known, uint64_t seed,
		      struct sim_verdict *v)
{
	bool has_failed, is_expected = is_known(known, seed);

	sim_campaign_run_one(c, seed, v);
	has_failed = v->text[0] != '\0';
	const char *verbose = getenv("SIM_VERBOSE");
	if (verbose && *verbose)
		printf("seed %" PRIu64 ": %s; %" PRIu64 " ms, %u errors, digest %016" PRIx64
		       "; %s\n",
		       seed, has_failed ? v->text : "good", v->took_ms, v->n_errors, v->digest,
		       v->scenario);
	if (has_failed == is_expected)
		return true;
	printf("seed %" PRIu64 ": %s\n  scenario: %s\n  again: make sim CAMPAIGN=%s SEEDS=%" PRIu64
	       "-%" PRIu64 "\n",
	       seed, has_failed ? v->text : "passes, and is listed in " KNOWN_FILE, v->scenario,
	       c->name, seed, seed);
	return false;
}

unsigned sim_campaign_run(const struct sim_campaign *campaign)
{
	struct known known = { .n = 0 };
	uint64_t first, last, n = 0, slowest_ms = 0, n_errors = 0;
	unsigned n_bad = 0;

	read_known(campaign->name, &known);
	seeds_of(campaign, &first, &last);
	for (uint64_t seed = first; seed <= last; seed++, n++) {
		struct sim_verdict v;

		n_bad += !judge_one(campaign, &known, seed, &v);
		n_errors += v.n_errors > 0;
		if (v.took_ms > slowest_ms)
			slowest_ms = v.took_ms;
	}
	printf("%s: %" PRIu64 " runs, %u not as expected; %" PRIu64
	       " with an error screen on the way, the slowest took %.1f s of virtual time\n",
	       campaign->name, n, n_bad, n_errors, (double)slowest_ms / 1000);
	return n_bad;
}
