/* SPDX-License-Identifier: MIT */
/* Drives the boot state machine in the simulator: network bring-up, a person who types, the clock. */
#ifndef TESTS_SIM_BOOT_H
#define TESTS_SIM_BOOT_H

#include "core/boot.h"
#include "sim.h"
#include "sim_realm.h"

#define SIM_BOOT_MAX_TRIES 8

struct sim_boot {
	struct sim *sim;
	struct cb_boot *boot;
	uint8_t config[SIM_REALM_CONFIG_MAX];
	unsigned n_kdf; /* calls of the key derivation */
	/* What the person does: account and passphrase of each try in turn, then nothing more. */
	const char *account[SIM_BOOT_MAX_TRIES];
	const char *passphrase[SIM_BOOT_MAX_TRIES];
	unsigned try;
	unsigned menu_key; /* pressed when a menu without count-down shows; 0: Enter */
	unsigned error_key; /* pressed on the error screen; 0: none, the run ends there */
	enum cb_err network_err; /* what the first bring-up answers; later ones succeed */
	bool no_network; /* and all later ones, too, until this is changed */
	bool escapes_offline; /* refused for want of the network: Escape, and the same once more */
	uint64_t types_after_ms; /* virtual time before which nothing is typed */
	bool goes_on; /* do not end at the error screen: wait for its own retry */
	/* What happened. */
	uint64_t need_bytes, free_bytes; /* on the last error screen */
	bool offered_previous; /* on the last error screen */
	unsigned n_offline; /* told to be offline */
	int64_t offline_since_s, offline_until_s; /* as told last */
	uint64_t cache_bytes; /* as the last progress had it */
	uint64_t stage_ms[CB_STAGE_FAILED + 1]; /* when each stage was entered last */
	bool paused_download; /* a derivation said that it does */
	enum cb_boot_status status;
	unsigned n_network; /* bring-ups */
	unsigned n_errors; /* error screens */
	uint64_t sign_in_ms; /* when the sign-in was reached; 0: not yet */
	char shown[4096]; /* prompts and refusals as a screen would log them */
	/* internal */
	bool has_prompt, has_menu, has_error, waits_for_network, has_lost_address, wants_escape;
	enum cb_prompt prompt;
};

/* Fails the test when the machine can't be made. */
void sim_boot_init(struct sim_boot *b, struct sim *sim, const struct sim_realm *realm,
		   const struct sim_realm_loader *loader);
void sim_boot_done(struct sim_boot *b);

/*
 * Runs until the machine is READY, wants a reboot or firmware setup, or (unless goes_on or error_key
 * says otherwise) shows an error screen. False when it hangs or deadline_ms of virtual time pass.
 */
bool sim_boot_run(struct sim_boot *b, uint64_t deadline_ms);

/* The file of this path in the hand-over archive, mode 0400; empty when there is none. */
struct cb_bytes sim_handed_over(const struct cb_boot_result *result, const char *path);

#endif
