/* SPDX-License-Identifier: MIT */
/* A small realm for whole boots in the simulator: signed repository, image, accounts, loader config. */
#ifndef TESTS_SIM_REALM_H
#define TESTS_SIM_REALM_H

#include "core/login.h"
#include "sim.h"

/* Path below which the repository is served: base URL http://HOST/repo/. */
#define SIM_REALM_BASE "/repo/"
#define SIM_REALM_IMAGE "demo/1.cbm"
#define SIM_REALM_CMDLINE "console=ttyS0 quiet"

struct sim_realm; /* opaque; made once, then read only */

/*
 * Images "demo" version 1 (default; four kernel chunks, two initrds), "other" version 1 and "twice"
 * versions 1 and 2, all of the same content, and "torn" version 1, whose second initrd is as its
 * manifest says, but not compressed.
 * Accounts with passphrases below: ada (one environment, credential "key"), bob (environments demo
 * and other), eve (a suffix that no image allows), kim (kiosk, one environment, no credentials), pam (twice), tom
 * (torn).
 * ada and kim may be used offline for SIM_REALM_OFFLINE_DAYS, the others not at all.
 * Dates are judged as of the simulator's default wall clock. Fails the test on any error.
 */
#define SIM_REALM_OFFLINE_DAYS 9 /* two more than a timestamp lives */
struct sim_realm *sim_realm_new(void);
void sim_realm_free(struct sim_realm *realm);

/* The realm has two parameter sets; pam's record was made with the older one. */
#define SIM_REALM_PASSPHRASE "correct horse battery staple" /* of every account */
#define SIM_REALM_CREDENTIAL "swordfish"

/*
 * Changes, for realms that live through more than one boot; what is served later has them. now_s: the
 * date of signing.
 */
/* The records of all accounts anew, with this epoch. */
void sim_realm_set_epoch(struct sim_realm *realm, uint64_t epoch);
/* Snapshot and timestamp anew. */
void sim_realm_refresh(struct sim_realm *realm, int64_t now_s);
/* Image demo's next version, of the same content. */
void sim_realm_add_version(struct sim_realm *realm, unsigned version, int64_t now_s);
/* Signed mirrors http://HOST/repo/. */
void sim_realm_set_mirrors(struct sim_realm *realm, const char *const *hosts, int64_t now_s);
/* The next root; with new timestamp and snapshot keys, or the same ones. */
void sim_realm_add_root(struct sim_realm *realm, bool has_new_keys, int64_t now_s);
/* One account's record with a change; and metadata signed anew with one. */
struct cb_record;
void sim_realm_change_account(struct sim_realm *realm, const char *name,
			      void (*change)(struct cb_record *content));
void sim_realm_set_min_loader(struct sim_realm *realm, uint64_t version);
void sim_realm_drop_kdf(struct sim_realm *realm);
void sim_realm_revoke(struct sim_realm *realm, const char *account);
void sim_realm_set_min_epoch(struct sim_realm *realm, uint64_t epoch);
/* Version 1 of an image: demo's manifest under another name and arch, or one that the caller serves. */
void sim_realm_add_target(struct sim_realm *realm, const char *name, const char *arch,
			  struct cb_bytes manifest);
/* For these: where REPO ("repo") and the keys ("keys") lie, and taking in what was changed there. */
const char *sim_realm_dir(const struct sim_realm *realm);
void sim_realm_reload(struct sim_realm *realm);

const uint8_t *sim_realm_id(const struct sim_realm *realm); /* 32 bytes */

/* Offers the whole repository on the server below SIM_REALM_BASE. */
void sim_realm_serve(const struct sim_realm *realm, struct sim_server *server);

/* The timestamp as it was before the images were published: valid, older, names no image. */
struct cb_bytes sim_realm_old_timestamp(const struct sim_realm *realm);

/* The raw bytes that a boot of image demo must hand over. */
struct cb_bytes sim_realm_kernel(const struct sim_realm *realm);
struct cb_bytes sim_realm_initrd(const struct sim_realm *realm); /* both, padded to 4 */
/* Served path of chunk i of demo, and of account's record. */
void sim_realm_chunk_path(const struct sim_realm *realm, unsigned i, char out[256]);
void sim_realm_record_path(const struct sim_realm *realm, const char *account, char out[256]);
unsigned sim_realm_n_chunks(const struct sim_realm *realm);
/* Requests for chunks of demo that the server has had. */
unsigned sim_realm_n_chunk_requests(const struct sim_realm *realm, const struct sim_server *server);
/* What the manifest of demo names as the memory it needs. */
uint64_t sim_realm_ram_need(const struct sim_realm *realm);

/* How the loader is stamped. */
struct sim_realm_loader {
	const char *const *hosts; /* mirrors http://HOST/repo/, NULL-terminated */
	const char *kiosk; /* account that signs in by itself, or NULL */
	const char *const *near; /* nearby mirrors, NULL-terminated; NULL: none */
	bool no_prefetch, allow_next_option, no_dhcp_mirror;
	bool has_pin; /* of TLS, which no server here has */
	unsigned root_version; /* stamped; 0: the first */
};
/* Bytes of the arena that the simulated machine's derivation is given. */
size_t sim_realm_arena_len(uint32_t m_kib);

/* The simulator's wall clock at its start. */
#define SIM_REALM_NOW_S 1782864000

/* Writes the loader's configuration section and returns its length. */
#define SIM_REALM_CONFIG_MAX 65536
size_t sim_realm_config(const struct sim_realm *realm, const struct sim_realm_loader *loader,
			uint8_t out[SIM_REALM_CONFIG_MAX]);

/* The key derivation of the simulator: one BLAKE2b in place of Argon2id. ctx: a counter or NULL. */
enum cb_err sim_realm_kdf(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64]);

#endif
