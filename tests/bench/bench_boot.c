/* SPDX-License-Identifier: MIT */
/* How many whole boots the simulator makes an hour on one core: sign-in to hand-over, small image. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim_boot.h"

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void boot_once(const struct sim_realm *realm, unsigned seed)
{
	static const char *const hosts[] = { "a", "b", NULL };
	struct sim *sim = sim_new(seed);
	struct sim_boot boot;

	for (unsigned i = 0; hosts[i]; i++)
		sim_realm_serve(realm, sim_add_server(sim, hosts[i], 80));
	sim_boot_init(&boot, sim, realm, &(struct sim_realm_loader){ .hosts = hosts });
	if (!sim_boot_run(&boot, 60000) || boot.status != CB_BOOT_READY) {
		fprintf(stderr, "boot %u did not end in a start\n", seed);
		exit(1);
	}
	sim_boot_done(&boot);
	sim_free(sim);
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 500;
	struct sim_realm *realm = sim_realm_new();
	double start = now_s(), elapsed;

	for (unsigned i = 0; i < n; i++)
		boot_once(realm, i + 1);
	elapsed = now_s() - start;
	printf("%u boots in %.2f s on one core: %.0f an hour\n", n, elapsed, n * 3600.0 / elapsed);
	sim_realm_free(realm);
	return 0;
}
