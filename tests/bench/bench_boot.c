/* SPDX-License-Identifier: MIT */
/* How many whole boots the simulator makes an hour on one core: sign-in to hand-over, small image. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim_boot.h"
#include "sim_link.h"

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void boot_once(const struct sim_realm *realm, unsigned seed, const struct sim_link *link)
{
	static const char *const hosts[] = { "a", "b", NULL };
	struct sim *sim = sim_new(seed);
	struct sim_boot boot;

	for (unsigned i = 0; hosts[i]; i++)
		sim_realm_serve(realm, sim_add_server(sim, hosts[i], 80));
	if (link)
		sim_use_frames(sim, link);
	sim_boot_init(&boot, sim, realm, &(struct sim_realm_loader){ .hosts = hosts });
	boot.goes_on = true;
	if (!sim_boot_run(&boot, 1800000) || boot.status != CB_BOOT_READY) {
		fprintf(stderr, "boot %u did not end in a start\n", seed);
		exit(1);
	}
	sim_boot_done(&boot);
	sim_free(sim);
}

static void measure(const char *name, const struct sim_realm *realm, unsigned n,
		    const struct sim_link *link)
{
	double start = now_s(), elapsed;

	for (unsigned i = 0; i < n; i++)
		boot_once(realm, i + 1, link);
	elapsed = now_s() - start;
	printf("%s: %u boots in %.2f s on one core: %.0f an hour\n", name, n, elapsed,
	       n * 3600.0 / elapsed);
}

int main(int argc, char **argv)
{
	static const struct sim_path path = { .delay_us = 20000,
					      .rate_bytes_ms = 12500,
					      .queue_bytes = 625000,
					      .loss_ppm = 50000,
					      .duplicate_ppm = 20000,
					      .reorder_ppm = 20000,
					      .reorder_us = 20000,
					      .corrupt_ppm = 20000 };
	const struct sim_link faulty = {
		.up = path, .down = path, .flap_up_ms = 5000, .flap_down_ms = 500
	};
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 500;
	struct sim_realm *realm = sim_realm_new();

	measure("streams in memory", realm, n, NULL);
	measure("frames over a faulty line", realm, n, &faulty);
	sim_realm_free(realm);
	return 0;
}
