/* SPDX-License-Identifier: MIT */
/* The metadata writer: new repositories, edits, refresh, and what it refuses to build upon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/keys.h"
#include "host/meta_write.h"
#include "host/repo_lock.h"
#include "host/repo_view.h"
#include "testport.h"

#define NOW 1800000000
#define DAY CB_META_DAY_S

static char dir[64], repo[128], keys[128];
static struct cb_meta_place place;
static struct cb_error e;

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Runs a command in dir. */
static void shell(const char *fmt, ...)
{
	char command[1024];
	int n = snprintf(command, sizeof(command), "cd '%s' && ", dir);
	va_list args;

	va_start(args, fmt);
	vsnprintf(command + n, sizeof(command) - (size_t)n, fmt, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static enum cb_err init_at(const char *title)
{
	struct cb_repo_init_params params = {
		.place = place,
		.title = title,
		.kdf = { .t = 3, .m_kib = 65536 },
	};

	e = (struct cb_error){ 0 };
	return cb_repo_init(&params, &e);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_meta-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(repo, sizeof(repo), "%s/repo", dir);
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	place = (struct cb_meta_place){ .repo = repo, .keys = keys, .now_s = NOW };
	return init_at("Test realm") == CB_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	shell("rm -rf '%s'", dir);
	return 0;
}

/* Loads into *meta, which must succeed. */
static void load(struct cb_repo_meta *meta)
{
	e = (struct cb_error){ 0 };
	if (cb_repo_meta_load(&place, meta, &e) != CB_OK)
		fail_msg("load: %s (%d)", e.text, (int)e.err);
}

/* Error of a load, for repositories that are expected to be bad. */
static enum cb_err try_load(void)
{
	struct cb_repo_meta meta;
	enum cb_err err = cb_repo_meta_load(&place, &meta, &e);

	cb_repo_meta_done(&meta);
	return err;
}

static enum cb_err view_at(int64_t now_s)
{
	struct cb_repo_view view = { 0 };
	enum cb_err err = cb_repo_view_open(repo, now_s, &view, NULL);

	cb_repo_view_done(&view);
	return err;
}

static struct cb_tuf_target target(const char *name, const char *version, uint64_t serial)
{
	struct cb_tuf_target t = {
		.serial = serial, .kind = "linux", .arch = "x86_64", .len = 100 + serial
	};

	snprintf(t.name, sizeof(t.name), "%s", name);
	snprintf(t.version, sizeof(t.version), "%s", version);
	snprintf(t.path, sizeof(t.path), "%s/%s.cbm", name, version);
	memset(t.sha256, (int)serial, sizeof(t.sha256));
	return t;
}

static void add(struct cb_repo_meta *meta, const char *name, const char *version, uint64_t serial)
{
	struct cb_tuf_target t = target(name, version, serial);

	assert_int_equal(cb_repo_meta_add(meta, &t, &e), CB_OK);
}

/* ---- init ---- */

static void test_init(void **state)
{
	static const char *const files[] = {
		"repo/metadata/root.json",
		"repo/metadata/1.root.json",
		"repo/metadata/timestamp.json",
		"repo/metadata/1.snapshot.json",
		"repo/metadata/1.targets.json",
		"repo/metadata/1.accounts.json",
		"repo/metadata/bundle.cbb",
		"keys/offline/root.pem",
		"keys/offline/targets.pem",
		"keys/online/snapshot.pem",
		"keys/online/timestamp.pem",
		"keys/online/accounts.pem",
		"keys/online/realm",
		"keys/offline/realm",
	};
	struct cb_repo_meta meta;
	uint8_t id[32];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		shell("test -f %s", files[i]);
	shell("cmp repo/metadata/root.json repo/metadata/1.root.json");
	shell("test $(find keys -name '*.pem' -perm 0600 | wc -l) = 5");
	shell("test $(find repo keys -type f | wc -l) = %zu", sizeof(files) / sizeof(files[0]));
	shell("test $(stat -c %%a keys/offline) = 700");
	assert_int_equal(cb_keys_realm(keys, id, NULL), CB_OK);
	load(&meta);
	assert_string_equal(meta.info.title, "Test realm");
	assert_int_equal(meta.n_targets, 0);
	assert_int_equal(meta.n_kdf, 1);
	assert_int_equal(meta.kdf[0].m_kib, 65536);
	assert_string_equal(meta.default_image, "");
	assert_int_equal(meta.info.issued_s, NOW);
	assert_int_equal(meta.info.expires_s[CB_TUF_ROOT], NOW + 365 * DAY);
	assert_int_equal(meta.info.expires_s[CB_TUF_TARGETS], NOW + 90 * DAY);
	assert_int_equal(meta.info.expires_s[CB_TUF_ACCOUNTS], NOW + 30 * DAY);
	assert_int_equal(meta.info.expires_s[CB_TUF_SNAPSHOT], NOW + 30 * DAY);
	assert_int_equal(meta.info.expires_s[CB_TUF_TIMESTAMP], NOW + 7 * DAY);
	cb_repo_meta_done(&meta);
}

static void test_init_refuses(void **state)
{
	char title[CB_TITLE_MAX + 2], other[160], inside[160];

	(void)state;
	shell("find repo keys -type f | sort | xargs sha256sum >before");
	assert_int_equal(init_at("Again"), CB_EXISTS);
	/* the keys of another realm */
	snprintf(other, sizeof(other), "%s/repo2", dir);
	place.repo = other;
	assert_int_equal(init_at("Other"), CB_EXISTS);
	shell("test ! -e repo2");
	shell("find repo keys -type f | sort | xargs sha256sum | cmp - before");
	/* keys that the world could fetch */
	snprintf(inside, sizeof(inside), "%s/repo2/sub/../keys", dir);
	place.keys = inside;
	assert_int_equal(init_at("Inside"), CB_USAGE);
	place.keys = other;
	assert_int_equal(init_at("Same"), CB_USAGE);
	snprintf(inside, sizeof(inside), "%s/keys2", dir);
	place.keys = inside;
	assert_int_equal(init_at(""), CB_USAGE);
	assert_int_equal(init_at("a\nb"), CB_USAGE);
	memset(title, 'a', sizeof(title));
	title[CB_TITLE_MAX + 1] = '\0';
	assert_int_equal(init_at(title), CB_USAGE);
	shell("test ! -e repo2 && test ! -e keys2");
	place.is_dry_run = true;
	assert_int_equal(init_at(title + 1), CB_OK);
	shell("test ! -e repo2 && test ! -e keys2");
	place.is_dry_run = false;
	assert_int_equal(init_at(title + 1), CB_OK);
}

/* Keys that are there already are used, several root keys too. */
static void test_init_with_own_keys(void **state)
{
	char other[160], own[160];
	struct cb_repo_meta meta;

	(void)state;
	snprintf(other, sizeof(other), "%s/repo2", dir);
	snprintf(own, sizeof(own), "%s/keys2", dir);
	shell("mkdir -p keys2/offline && cp keys/online/snapshot.pem keys2/offline/root.pem && "
	      "cp keys/online/timestamp.pem keys2/offline/root-2.pem && cp keys2/offline/root.pem saved");
	place.repo = other;
	place.keys = own;
	assert_int_equal(init_at("Own"), CB_OK);
	shell("cmp keys2/offline/root.pem saved");
	shell("test $(grep -o keyid\\\" repo2/metadata/root.json | wc -l) = 2");
	load(&meta);
	cb_repo_meta_done(&meta);
	shell("mkdir -p keys3/online && echo nonsense >keys3/online/snapshot.pem");
	snprintf(other, sizeof(other), "%s/repo3", dir);
	snprintf(own, sizeof(own), "%s/keys3", dir);
	assert_int_equal(init_at("Own"), CB_KEY_FORMAT);
	shell("test ! -e repo3");
}

/* ---- Editing ---- */

static void test_targets(void **state)
{
	struct cb_repo_meta meta;
	struct cb_tuf_target bad = target("debian", "1", 1);

	(void)state;
	load(&meta);
	assert_int_equal(cb_repo_meta_set_default(&meta, "debian", &e), CB_META_NO_IMAGE);
	add(&meta, "debian", "2", 2);
	add(&meta, "alpine", "1", 3);
	add(&meta, "debian", "1", 1);
	add(&meta, "debian", "1", 4); /* replaces */
	assert_int_equal(meta.n_targets, 3);
	assert_string_equal(meta.targets[0].path, "alpine/1.cbm");
	assert_string_equal(meta.targets[1].path, "debian/1.cbm");
	assert_int_equal(cb_repo_meta_newest(&meta, "debian")->serial, 4);
	assert_null(cb_repo_meta_newest(&meta, "fedora"));
	assert_null(cb_repo_meta_find(&meta, "debian/3.cbm"));
	assert_int_equal(cb_repo_meta_find(&meta, "debian/2.cbm")->serial, 2);
	snprintf(bad.path, sizeof(bad.path), "debian/9.cbm");
	assert_int_equal(cb_repo_meta_add(&meta, &bad, &e), CB_META_FORMAT);
	assert_int_equal(cb_repo_meta_set_default(&meta, "debian", &e), CB_OK);
	assert_int_equal(cb_repo_meta_remove(&meta, "debian/2.cbm", &e), CB_OK);
	assert_int_equal(cb_repo_meta_remove(&meta, "debian/2.cbm", &e), CB_META_NO_IMAGE);
	meta.mirrors[meta.n_mirrors++] = strdup("http://192.0.2.1/");
	meta.login_servers[meta.n_login_servers++] = strdup("https://login.example/");
	meta.min_loader = 3;
	assert_int_equal(cb_repo_meta_commit(&meta, &e), CB_OK);
	assert_int_equal(meta.info.versions.version[CB_TUF_TARGETS], 2);
	cb_repo_meta_done(&meta);

	load(&meta);
	assert_int_equal(meta.n_targets, 2);
	assert_string_equal(meta.targets[1].path, "debian/1.cbm");
	assert_int_equal(meta.targets[1].serial, 4);
	assert_int_equal(meta.targets[1].len, 104);
	assert_string_equal(meta.default_image, "debian");
	assert_string_equal(meta.mirrors[0], "http://192.0.2.1/");
	assert_string_equal(meta.login_servers[0], "https://login.example/");
	assert_int_equal(meta.min_loader, 3);
	assert_int_equal(meta.info.versions.version[CB_TUF_TARGETS], 2);
	assert_int_equal(meta.info.versions.version[CB_TUF_SNAPSHOT], 2);
	assert_int_equal(meta.info.versions.version[CB_TUF_TIMESTAMP], 2);
	assert_int_equal(meta.info.versions.version[CB_TUF_ACCOUNTS], 1);
	cb_repo_meta_done(&meta);
	assert_int_equal(view_at(NOW), CB_OK);
}

static void test_accounts(void **state)
{
	struct cb_repo_meta meta;

	(void)state;
	shell("mv keys/offline away"); /* online keys are enough */
	load(&meta);
	meta.min_epoch = 5;
	for (size_t i = 0; i < CB_TUF_MAX_REVOKED; i++)
		meta.revoked[i].prefix[7] = (uint8_t)i;
	meta.n_revoked = CB_TUF_MAX_REVOKED;
	assert_int_equal(cb_repo_meta_commit_accounts(&meta, &e), CB_OK);
	cb_repo_meta_done(&meta);
	load(&meta);
	assert_int_equal(meta.min_epoch, 5);
	assert_int_equal(meta.n_revoked, CB_TUF_MAX_REVOKED);
	assert_int_equal(meta.revoked[1023].prefix[7], 0xff);
	assert_int_equal(meta.info.versions.version[CB_TUF_ACCOUNTS], 2);
	assert_int_equal(meta.info.versions.version[CB_TUF_TARGETS], 1);
	/* and not for targets */
	assert_int_equal(cb_repo_meta_check(&meta, &e), CB_NOT_FOUND);
	assert_int_equal(cb_repo_meta_commit(&meta, &e), CB_NOT_FOUND);
	cb_repo_meta_done(&meta);
	assert_int_equal(view_at(NOW), CB_OK);
}

static void test_too_much(void **state)
{
	struct cb_repo_meta meta;

	(void)state;
	shell("find repo -type f | sort | xargs sha256sum >before");
	load(&meta);
	for (unsigned i = 0; i < CB_META_MAX_TARGETS; i++) {
		char version[16];

		snprintf(version, sizeof(version), "%u", i);
		add(&meta, "debian-with-a-name-that-is-rather-long", version, i);
	}
	struct cb_tuf_target one_more = target("x", "1", 1);
	assert_int_equal(cb_repo_meta_add(&meta, &one_more, &e), CB_META_LIMIT);
	assert_int_equal(cb_repo_meta_commit(&meta, &e), CB_META_LIMIT);
	cb_repo_meta_done(&meta);
	shell("find repo -type f | sort | xargs sha256sum | cmp - before");
}

/* ---- Time ---- */

static void refresh_at(int64_t now_s, enum cb_err err)
{
	struct cb_repo_meta meta;

	place.now_s = now_s;
	load(&meta);
	assert_int_equal(cb_repo_meta_refresh(&meta, &e), err);
	cb_repo_meta_done(&meta);
}

static void test_refresh(void **state)
{
	struct cb_repo_meta meta;

	(void)state;
	shell("mv keys/offline away");
	assert_int_equal(view_at(NOW + 7 * DAY - 1), CB_OK);
	assert_int_equal(view_at(NOW + 7 * DAY), CB_META_EXPIRED);
	refresh_at(NOW + 10 * DAY, CB_OK); /* after it expired, too */
	assert_int_equal(view_at(NOW + 17 * DAY - 1), CB_OK);
	load(&meta);
	assert_int_equal(meta.info.versions.version[CB_TUF_ACCOUNTS], 1); /* not past half */
	cb_repo_meta_done(&meta);
	refresh_at(NOW + 16 * DAY, CB_OK);
	load(&meta);
	assert_int_equal(meta.info.versions.version[CB_TUF_ACCOUNTS], 2);
	assert_int_equal(meta.info.versions.version[CB_TUF_TIMESTAMP], 3);
	cb_repo_meta_done(&meta);
	/* targets take the offline key */
	refresh_at(NOW + 90 * DAY, CB_META_EXPIRED);
	refresh_at(NOW + 90 * DAY - 1, CB_OK);
	shell("mv away keys/offline");
	place.now_s = NOW + 100 * DAY;
	load(&meta);
	assert_int_equal(cb_repo_meta_commit(&meta, &e), CB_OK);
	cb_repo_meta_done(&meta);
	assert_int_equal(view_at(NOW + 100 * DAY), CB_OK);
	/* nobody but root can renew root */
	place.now_s = NOW + 365 * DAY;
	load(&meta);
	assert_int_equal(cb_repo_meta_commit(&meta, &e), CB_META_EXPIRED);
	cb_repo_meta_done(&meta);
}

static void test_dry_run(void **state)
{
	struct cb_repo_meta meta;

	(void)state;
	shell("find repo -type f | sort | xargs sha256sum >before");
	place.is_dry_run = true;
	load(&meta);
	add(&meta, "debian", "1", 1);
	assert_int_equal(cb_repo_meta_commit(&meta, &e), CB_OK);
	assert_int_equal(cb_repo_meta_refresh(&meta, &e), CB_OK);
	/* what the next one would be, each time */
	assert_int_equal(meta.info.versions.version[CB_TUF_TIMESTAMP], 2);
	cb_repo_meta_done(&meta);
	shell("find repo -type f | sort | xargs sha256sum | cmp - before");
}

/* ---- What it does not build upon ---- */

static void test_tampered(void **state)
{
	static const struct {
		const char *file, *change;
		enum cb_err err;
	} cases[] = {
		{ "timestamp.json", "s/1\\.0\\./1.1./", CB_META_SIGNATURE },
		{ "timestamp.json", "s/$/ /", CB_META_FORMAT },
		{ "1.snapshot.json", "s/1\\.0\\./1.1./", CB_META_HASH },
		{ "1.targets.json", "s/1\\.0\\./1.1./", CB_META_HASH },
		{ "1.accounts.json", "s/1\\.0\\./1.1./", CB_META_HASH },
		{ "1.root.json", "s/Test realm/Best realm/", CB_META_SIGNATURE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum cb_err err;

		shell("cp -a repo good && sed -i '%s' repo/metadata/%s", cases[i].change,
		      cases[i].file);
		err = try_load();
		if (err != cases[i].err)
			fail_msg("%s: error %d", cases[i].file, (int)err);
		assert_non_null(strstr(e.text, cases[i].file));
		shell("rm -r repo && mv good repo");
	}
	shell("mv repo/metadata/1.targets.json x");
	assert_int_equal(try_load(), CB_META_MISSING);
	shell("mv x repo/metadata/1.targets.json && rm -r repo/metadata");
	assert_int_equal(try_load(), CB_NOT_REPOSITORY);
}

/* Another realm, complete and valid, in the place of ours: our keys must not sign on top of it. */
static void test_other_realm(void **state)
{
	char other[160], own[160];

	(void)state;
	snprintf(other, sizeof(other), "%s/repo2", dir);
	snprintf(own, sizeof(own), "%s/keys2", dir);
	place.repo = other;
	place.keys = own;
	assert_int_equal(init_at("Evil"), CB_OK);
	place.keys = keys;
	assert_int_equal(try_load(), CB_META_SIGNATURE);
	shell("rm keys/online/realm");
	assert_int_equal(try_load(), CB_NOT_FOUND);
	shell("echo 00 >keys/online/realm");
	assert_int_equal(try_load(), CB_KEY_FORMAT);
}

static void test_wrong_key(void **state)
{
	struct cb_repo_meta meta;

	(void)state;
	shell("cp keys/online/snapshot.pem keys/offline/targets.pem && cp -a repo good");
	load(&meta);
	assert_int_equal(cb_repo_meta_check(&meta, &e), CB_META_SIGNATURE);
	assert_int_equal(cb_repo_meta_commit(&meta, &e), CB_META_SIGNATURE);
	assert_int_equal(cb_repo_meta_refresh(&meta, &e), CB_OK);
	cb_repo_meta_done(&meta);
}

/* A commit that stops half-way leaves what clients see as it was, and the next one succeeds. */
static void test_interrupted(void **state)
{
	struct cb_repo_meta meta;

	(void)state;
	shell("mkdir repo/metadata/2.snapshot.json");
	load(&meta);
	add(&meta, "debian", "1", 1);
	assert_int_equal(cb_repo_meta_commit(&meta, &e), CB_IO);
	cb_repo_meta_done(&meta);
	assert_int_equal(view_at(NOW), CB_OK);
	shell("test -f repo/metadata/2.targets.json && rmdir repo/metadata/2.snapshot.json");
	load(&meta);
	assert_int_equal(meta.n_targets, 0);
	add(&meta, "alpine", "1", 1);
	assert_int_equal(cb_repo_meta_commit(&meta, &e), CB_OK);
	cb_repo_meta_done(&meta);
	load(&meta);
	assert_string_equal(meta.targets[0].path, "alpine/1.cbm");
	cb_repo_meta_done(&meta);
}

/* ---- Lock, bundle ---- */

static void test_lock(void **state)
{
	struct cb_repo_lock lock = { 0 }, second = { 0 };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(cb_repo_lock(dir, &lock, &e), CB_NOT_REPOSITORY);
	shell("test ! -e .lock");
	assert_int_equal(cb_repo_lock(repo, &lock, &e), CB_OK);
	assert_int_equal(cb_repo_lock(repo, &second, &e), CB_BUSY);
	cb_repo_unlock(&second);
	cb_repo_unlock(&lock);
	cb_repo_unlock(&lock);
	/* gone with the process that held it */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(cb_repo_lock(repo, &lock, NULL) == CB_OK ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(cb_repo_lock(repo, &lock, &e), CB_OK);
	cb_repo_unlock(&lock);
	shell("test $(stat -c %%a%%s repo/.lock) = 6000");
}

static void test_bundle(void **state)
{
	static const char *const names[] = { "timestamp.json", "2.snapshot.json", "1.targets.json",
					     "1.accounts.json" };
	char path[256];
	struct cb_file bundle = { 0 }, file = { 0 };
	struct cb_reader r;

	(void)state;
	refresh_at(NOW, CB_OK);
	snprintf(path, sizeof(path), "%s/metadata/bundle.cbb", repo);
	assert_int_equal(cb_file_read(path, 1 << 20, &bundle, NULL), CB_OK);
	r = cb_reader_of(cb_file_bytes(&bundle));
	testport_assert_bytes(cb_read_bytes(&r, 8), cb_bytes_of("CBBUNDL1"));
	assert_int_equal(cb_read_le32(&r), 4);
	for (size_t i = 0; i < 4; i++) {
		struct cb_bytes name = cb_read_bytes(&r, cb_read_u8(&r));

		testport_assert_bytes(name, cb_bytes_of(names[i]));
		snprintf(path, sizeof(path), "%s/metadata/%s", repo, names[i]);
		assert_int_equal(cb_file_read(path, 1 << 20, &file, NULL), CB_OK);
		testport_assert_bytes(cb_read_bytes(&r, cb_read_le32(&r)), cb_file_bytes(&file));
		cb_file_done(&file);
	}
	assert_true(cb_reader_is_done(&r));
	cb_file_done(&bundle);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_init),	TEST(test_init_refuses), TEST(test_init_with_own_keys),
		TEST(test_targets),	TEST(test_accounts),	 TEST(test_too_much),
		TEST(test_refresh),	TEST(test_dry_run),	 TEST(test_tampered),
		TEST(test_other_realm), TEST(test_wrong_key),	 TEST(test_interrupted),
		TEST(test_lock),	TEST(test_bundle),
	};

	return cmocka_run_group_tests_name("meta_write", tests, NULL, NULL);
}
