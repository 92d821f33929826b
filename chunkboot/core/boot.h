/* SPDX-License-Identifier: MIT */
/* The boot state machine: from the stamped configuration to verified segments in memory. */
#ifndef CB_CORE_BOOT_H
#define CB_CORE_BOOT_H

#include "core/config.h"
#include "core/event.h"
#include "core/login.h"
#include "core/manifest.h"
#include "core/platform.h"

#define CB_LOADER_VERSION 1u /* compared with min_loader of targets */
#define CB_LOADER_VERSION_TEXT "0.1.0"
#define CB_BOOT_ANNOUNCED_MAX 255 /* characters of an announced mirror's URL */

struct cb_boot_params {
	const struct cb_platform *platform; /* outlives the machine */
	struct cb_bytes config_section; /* outlives the machine */
	cb_kdf_fn kdf; /* Argon2id, or the simulator's */
	void *kdf_ctx;
	/* Bytes of the arena that kdf is to be given; NULL: it finds its own memory. */
	size_t (*kdf_arena_len)(uint32_t m_kib);
	enum cb_arch arch;
};

/* What the driver is to do after a step. */
enum cb_boot_status {
	CB_BOOT_RUNNING, /* poll devices, step again at once */
	CB_BOOT_IDLE, /* poll devices; step again on input, network traffic or at wake_ms */
	CB_BOOT_READY, /* take the result, start it; come back with cb_boot_start_failed */
	CB_BOOT_REBOOT, /* the person chose it */
	CB_BOOT_FIRMWARE_SETUP,
	CB_BOOT_NEXT_OPTION,
};

struct cb_boot_result {
	enum cb_image_kind kind;
	struct cb_bytes kernel; /* or application, or disk; page-aligned */
	size_t initrd_len; /* of all initrd segments, each padded to 4: cb_boot_serve_initrd; 0: none */
	struct cb_bytes handover; /* secret archive; empty for kinds other than linux */
	const char *cmdline; /* ASCII, NUL-terminated */
	const char *image; /* NAME/VERSION */
	const struct cb_config *config;
};

struct cb_boot; /* opaque */

/* CONFIG (also when the section is absent), NO_MEMORY. */
enum cb_err cb_boot_new(const struct cb_boot_params *params, struct cb_boot **ret);
/* Wipes and frees everything, the result's buffers included; waits for work that is under way. */
void cb_boot_free(struct cb_boot *boot);

/* The parsed configuration, for the network's bring-up. */
const struct cb_config *cb_boot_config(const struct cb_boot *boot);
/* The network is up (CB_OK) or the attempt failed with err. Called by the driver, any time. */
void cb_boot_network(struct cb_boot *boot, enum cb_err err);
/* True while the machine wants the network (again): the driver starts or repeats bring-up. */
bool cb_boot_wants_network(const struct cb_boot *boot);
/*
 * The network has announced a mirror nearby by this base URL; "" when it has not. Any time, any
 * number of times; copied. Used from now on unless the configuration says otherwise; one that can't
 * be is told as a notice. Where authorities or pins are stamped it has to be https.
 */
void cb_boot_near_mirror(struct cb_boot *boot, const char *url);
/* A key press (enum cb_keypress or printable ASCII, US layout as the firmware gives it). */
void cb_boot_key(struct cb_boot *boot, unsigned key);

/* Advances; never blocks, except for the key derivation where there are no workers. */
enum cb_boot_status cb_boot_step(struct cb_boot *boot, uint64_t *ret_wake_ms);

/* Only after CB_BOOT_READY. Login secrets are already wiped; the machine owns the buffers. */
const struct cb_boot_result *cb_boot_result(const struct cb_boot *boot);
/* The driver stopped the network and starts the kernel: nothing of the fetch engine stays open. */
void cb_boot_close_network(struct cb_boot *boot);
/* The firmware has its own copy of the result's kernel: that buffer is freed. */
void cb_boot_free_kernel(struct cb_boot *boot);
/*
 * The kernel asks for its initrd: writes the result's initrd_len bytes to out. Once. Needs the
 * platform's workers (where it has some), and nothing else of it. CHUNK_DECODE: what was published does not decompress; the driver lets the
 * kernel fail, and cb_boot_start_failed will say so.
 */
enum cb_err cb_boot_serve_initrd(struct cb_boot *boot, uint8_t *out);
/* The kernel did not start (KERNEL_*): frees the image and shows the error screen. */
void cb_boot_start_failed(struct cb_boot *boot, enum cb_err err);

#endif
