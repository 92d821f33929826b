/* SPDX-License-Identifier: MIT */
/* A whole boot for each error code that other tests of boots don't end in: the code, and the object named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/bundle.h"
#include "core/record.h"
#include "sim_stage.h"

#define DAY_S 86400
#define TIMESTAMP SIM_REALM_BASE "metadata/timestamp.json"

static struct sim_realm *realm; /* of the case that runs */

/* ---- What is wrong with the realm ---- */

static void has_no_environment(struct cb_record *c)
{
	c->n_envs = 0;
}

static void has_expired(struct cb_record *c)
{
	c->issued_s = SIM_REALM_NOW_S - 10 * DAY_S;
	c->expires_s = SIM_REALM_NOW_S - 1;
}

static void names_no_image(struct cb_record *c)
{
	c->envs[0].target = cb_bytes_of("gone");
}

static void names_arm(struct cb_record *c)
{
	c->envs[0].target = cb_bytes_of("arm/1.cbm");
}

static void names_bent(struct cb_record *c)
{
	c->envs[0].target = cb_bytes_of("bent");
}

static void has_long_suffix(struct cb_record *c)
{
	static char suffix[CB_CMDLINE_MAX - sizeof(SIM_REALM_CMDLINE) + 2];

	memset(suffix, 'x', sizeof(suffix) - 1);
	memcpy(suffix, "debug=", 6);
	c->envs[0].cmdline_suffix = cb_bytes_of(suffix);
}

static void for_newer_loaders(void)
{
	sim_realm_set_min_loader(realm, UINT32_MAX);
}

static void without_derivation(void)
{
	sim_realm_drop_kdf(realm);
}

static void revoke_ada(void)
{
	sim_realm_revoke(realm, "ada");
}

static void raise_epoch(void)
{
	sim_realm_set_min_epoch(realm, 2);
}

static void add_arm(void)
{
	sim_realm_add_target(realm, "arm", "aarch64", (struct cb_bytes){ NULL, 0 });
}

static const char bent[] = "CBMANIF1, and what follows is no manifest";

static void add_bent(void)
{
	sim_realm_add_target(realm, "bent", "x86_64", cb_bytes_of(bent));
}

/* ---- What is wrong with the mirror ---- */

static void serve_manifest(struct sim_server *mirror, const char *target, struct cb_bytes manifest)
{
	char path[CB_MANIFEST_PATH_MAX], served[CB_MANIFEST_PATH_MAX + sizeof(SIM_REALM_BASE)];
	uint8_t sha256[CB_DIGEST_LEN];

	cb_sha256(manifest, sha256);
	cb_manifest_path(target, sha256, path);
	snprintf(served, sizeof(served), "%s%s", SIM_REALM_BASE, path);
	sim_file(mirror, served, manifest.p, manifest.len);
}

static void serve_bent(struct sim_server *mirror)
{
	serve_manifest(mirror, "bent/1.cbm", cb_bytes_of(bent));
}

static void serve_deep_json(struct sim_server *mirror)
{
	(void)sim_remove_file(mirror, SIM_REALM_BASE CB_BUNDLE_PATH);
	sim_file(mirror, TIMESTAMP, "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", 32);
}

static void serve_no_record(struct sim_server *mirror)
{
	char path[256];

	sim_realm_record_path(realm, "ada", path);
	assert_true(sim_remove_file(mirror, path));
}

static void serve_short_record(struct sim_server *mirror)
{
	static const uint8_t zeros[100];
	char path[256];

	sim_realm_record_path(realm, "ada", path);
	sim_file(mirror, path, zeros, sizeof(zeros));
}

static void serve_changed_record(struct sim_server *mirror)
{
	char path[256];

	sim_realm_record_path(realm, "ada", path);
	assert_true(sim_flip(mirror, path, 3000, 1));
}

static void serve_bobs_record(struct sim_server *mirror)
{
	struct cb_bytes bobs;
	char path[256];

	sim_realm_record_path(realm, "bob", path);
	bobs = sim_file_bytes(mirror, path);
	sim_realm_record_path(realm, "ada", path);
	sim_file(mirror, path, bobs.p, bobs.len);
}

/* ---- The table ---- */

struct ending {
	enum cb_err err;
	const char *subject; /* part of what the screen names */
	void (*account)(struct cb_record *content);
	void (*metadata)(void);
	void (*mirror)(struct sim_server *mirror);
	const char *kiosk;
	enum cb_err network; /* what the driver says of the network */
	bool repeats; /* by itself */
};

static const struct ending endings[] = {
	{ .err = CB_NET_NO_DEVICE, .subject = "", .network = CB_NET_NO_DEVICE, .repeats = true },
	{ .err = CB_NET_NO_LINK, .subject = "", .network = CB_NET_NO_LINK, .repeats = true },
	{ .err = CB_META_LIMIT, .subject = "timestamp.json", .mirror = serve_deep_json },
	{ .err = CB_META_LOADER_OLD, .subject = "loader ", .metadata = for_newer_loaders },
	{ .err = CB_META_NO_IMAGE, .subject = "gone", .account = names_no_image },
	{ .err = CB_MANIFEST_FORMAT,
	  .subject = "bent",
	  .account = names_bent,
	  .metadata = add_bent,
	  .mirror = serve_bent },
	{ .err = CB_CMDLINE_TOO_LONG, .subject = "demo/1", .account = has_long_suffix },
	{ .err = CB_IMAGE_ARCH, .subject = "arm/1", .account = names_arm, .metadata = add_arm },
	{ .err = CB_LOGIN_UNKNOWN,
	  .subject = "ada",
	  .mirror = serve_no_record,
	  .kiosk = "ada",
	  .repeats = true },
	{ .err = CB_RECORD_FORMAT, .subject = "account record", .mirror = serve_short_record },
	{ .err = CB_RECORD_SIGNATURE, .subject = "account record", .mirror = serve_changed_record },
	{ .err = CB_RECORD_REVOKED, .subject = "account record", .metadata = revoke_ada },
	{ .err = CB_RECORD_EXPIRED, .subject = "account record", .account = has_expired },
	{ .err = CB_RECORD_EPOCH, .subject = "account record", .metadata = raise_epoch },
	{ .err = CB_RECORD_KEY, .subject = "account record", .mirror = serve_bobs_record },
	{ .err = CB_KDF_PARAMS, .subject = "", .metadata = without_derivation },
	{ .err = CB_NO_ENVIRONMENT, .subject = "account record", .account = has_no_environment },
};

static void begin(struct sim_stage *s, const struct ending *e)
{
	static const char *const hosts[] = { "a", NULL };

	realm = sim_realm_new();
	if (e->metadata)
		e->metadata();
	if (e->account)
		sim_realm_change_account(realm, "ada", e->account);
	sim_stage_begin(s, realm, 1);
	sim_realm_serve(realm, s->mirror[0]);
	if (e->mirror)
		e->mirror(s->mirror[0]);
	sim_boot_init(&s->boot, s->sim, realm,
		      &(struct sim_realm_loader){ .hosts = hosts, .kiosk = e->kiosk });
	s->is_on = true;
	s->boot.network_err = e->network;
}

static void end(struct sim_stage *s)
{
	sim_stage_end(s);
	sim_realm_free(realm);
}

/* One error screen, with this code and this object; nothing was handed over, nothing is left. */
static void each_ends_in_its_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const struct ending *e = &endings[i];
		const char *subject;
		struct sim_stage s;

		begin(&s, e);
		sim_stage_assert_fails(&s, e->err);
		subject = sim_last_subject(s.sim, CB_EVENT_ERROR);
		if (!strstr(subject, e->subject) || (e->subject[0] == '\0' && subject[0] != '\0'))
			fail_msg("CB-E%u names \"%s\", not \"%s\"", cb_err_info(e->err)->code,
				 subject, e->subject);
		/* Who is there decides; where the network is what lacks, or nobody is there, it goes on. */
		s.boot.goes_on = true;
		(void)sim_boot_run(&s.boot, sim_now(s.sim) + 2 * SIM_STAGE_MINUTE);
		assert_true((s.boot.n_errors > 1 || s.boot.status == CB_BOOT_READY) == e->repeats);
		end(&s);
	}
}

/* What the firmware or the kernel says when it is started. */
static void failed_starts(void **state)
{
	static const enum cb_err errs[] = { CB_KERNEL_LOAD, CB_KERNEL_RETURNED, CB_KERNEL_OLD,
					    CB_FIRMWARE, CB_NO_MEMORY };

	(void)state;
	for (size_t i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
		struct sim_stage s;

		begin(&s, &(struct ending){ 0 });
		sim_stage_assert_boots(&s, "demo/1");
		cb_boot_close_network(s.boot.boot);
		cb_boot_start_failed(s.boot.boot, errs[i]);
		assert_int_equal(sim_stage(s.sim), CB_STAGE_FAILED);
		assert_int_equal(sim_last_err(s.sim, CB_EVENT_ERROR), errs[i]);
		assert_string_equal(sim_last_subject(s.sim, CB_EVENT_ERROR), "demo/1");
		/* A person's key, a new sign-in, and it boots again. */
		s.boot.account[1] = "ada";
		s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
		s.boot.error_key = 'r';
		sim_stage_assert_boots(&s, "demo/1");
		end(&s);
	}
}

/* No key ends a boot in a code of a wrong form: what was typed is refused, and asked for again. */
static void typed_nonsense(void **state)
{
	struct sim_stage s;

	(void)state;
	begin(&s, &(struct ending){ 0 });
	s.boot.account[0] = "not an account";
	s.boot.passphrase[0] = "";
	s.boot.account[1] = "ada";
	s.boot.passphrase[1] = "   ";
	s.boot.account[2] = "ada";
	s.boot.passphrase[2] = SIM_REALM_PASSPHRASE;
	assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + SIM_STAGE_MINUTE));
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_REFUSED), CB_ACCOUNT_SYNTAX);
	assert_int_equal(s.boot.n_errors, 0);
	end(&s);
	begin(&s, &(struct ending){ 0 });
	s.boot.account[0] = s.boot.account[1] = "ada";
	s.boot.passphrase[0] = "   ";
	s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(sim_n_events(s.sim, CB_EVENT_REFUSED), 1);
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_REFUSED), CB_LOGIN_UNKNOWN);
	end(&s);
}

/* ---- Secrets for an EFI application ---- */

static uint8_t tool[4096]; /* a manifest */

static void names_tool(struct cb_record *c)
{
	c->envs[0].target = cb_bytes_of("tool");
}

/* The served path with this in it. */
static const char *path_with(const struct sim_server *server, const char *part)
{
	const char *path;

	for (unsigned i = 0; (path = sim_file_path(server, i)); i++)
		if (strstr(path, part))
			return path;
	fail_msg("no %s", part);
	return NULL;
}

/* The manifest of an EFI application that is demo's kernel. */
static struct cb_bytes make_tool(void)
{
	struct sim *sim = sim_new(0);
	struct sim_server *server = sim_add_server(sim, "a", 80);
	struct cb_chunk chunks[16];
	struct cb_manifest m;
	size_t len;

	sim_realm_serve(realm, server);
	assert_int_equal(cb_manifest_parse(
				 sim_file_bytes(server, path_with(server, "/manifests/demo/")), &m),
			 CB_OK);
	m.stored_total = 0;
	assert_in_range(m.segments[0].n_chunks, 1, sizeof(chunks) / sizeof(chunks[0]));
	for (uint32_t i = 0; i < m.segments[0].n_chunks; i++) {
		cb_manifest_chunk(&m, i, &chunks[i]);
		m.stored_total += chunks[i].stored_len;
	}
	m.kind = CB_KIND_EFI;
	m.n_segments = 1;
	m.n_chunks = m.segments[0].n_chunks;
	m.segments[0].role = CB_ROLE_APPLICATION;
	m.raw_total = m.segments[0].raw_len;
	len = cb_manifest_len(&m);
	assert_in_range(len, 1, sizeof(tool));
	cb_manifest_write(&m, chunks, tool);
	assert_int_equal(cb_manifest_parse((struct cb_bytes){ tool, len }, &m), CB_OK);
	sim_free(sim);
	return (struct cb_bytes){ tool, len };
}

/* Only Linux is given an initrd, and with it secrets: an application gets none, nor does it run without them. */
static void secrets_are_for_linux(void **state)
{
	static const struct {
		const char *account;
		bool has_secrets;
	} cases[] = { { "ada", true }, { "kim", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const char *const hosts[] = { "a", NULL };
		const struct cb_boot_result *r;
		struct cb_bytes manifest;
		struct sim_stage s;

		realm = sim_realm_new();
		manifest = make_tool();
		sim_realm_add_target(realm, "tool", "x86_64", manifest);
		sim_realm_change_account(realm, cases[i].account, names_tool);
		sim_stage_begin(&s, realm, 1);
		sim_realm_serve(realm, s.mirror[0]);
		serve_manifest(s.mirror[0], "tool/1.cbm", manifest);
		sim_boot_init(&s.boot, s.sim, realm, &(struct sim_realm_loader){ .hosts = hosts });
		s.is_on = true;
		s.boot.account[0] = cases[i].account;
		if (cases[i].has_secrets) {
			sim_stage_assert_fails(&s, CB_IMAGE_ARCH);
			assert_string_equal(sim_last_subject(s.sim, CB_EVENT_ERROR), "tool/1");
		} else {
			assert_true(sim_boot_run(&s.boot, 30 * SIM_STAGE_MINUTE));
			assert_int_equal(s.boot.status, CB_BOOT_READY);
			r = cb_boot_result(s.boot.boot);
			assert_int_equal(r->kind, CB_KIND_EFI);
			sim_stage_assert_bytes(r->kernel, sim_realm_kernel(realm));
			assert_int_equal(r->initrd_len, 0);
			assert_int_equal(r->handover.len, 0);
		}
		end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_ends_in_its_code),
		cmocka_unit_test(failed_starts),
		cmocka_unit_test(typed_nonsense),
		cmocka_unit_test(secrets_are_for_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
