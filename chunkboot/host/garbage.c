/* SPDX-License-Identifier: MIT */
/* Walks a repository, and judges each file by its name against what is listed. */
#include "host/garbage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/image_name.h"
#include "host/manifest_file.h"

#define HEX_LEN (2 * CB_DIGEST_LEN)
#define KEEP (-1)

/* Paths below the repository. */
struct paths {
	size_t n;
	char **at;
};

struct scan {
	const char *repo;
	struct cb_tuf_versions versions;
	struct paths kept; /* manifests and indexes of listed images, sorted */
	struct cb_chunk_set chunks;
	struct cb_garbage found;
	struct cb_error *e;
};

/* Is the file `name` in the directory dir (below the repository) needed? KEEP, or what it is. */
typedef int (*judge_fn)(const struct scan *s, const char *dir, const char *name);

/* ---- What is listed ---- */

static enum cb_err keep(struct scan *s, const char *path)
{
	char **at = reallocarray(s->kept.at, s->kept.n + 1, sizeof(*at));
	char *copy = strdup(path);

	if (at != NULL)
		s->kept.at = at;
	if (at == NULL || copy == NULL) {
		free(copy);
		return cb_fail(s->e, CB_NO_MEMORY, "%s", s->repo);
	}
	s->kept.at[s->kept.n++] = copy;
	return CB_OK;
}

static enum cb_err keep_image(struct scan *s, const struct cb_tuf_target *t)
{
	cb_cleanup(cb_manifest_file_done) struct cb_manifest_file f = { 0 };
	char path[CB_PATH_MAX], segment[16];
	enum cb_err err = cb_manifest_file_read(s->repo, t, &f, s->e);

	if (err == CB_NOT_FOUND)
		err = cb_fail(s->e, CB_META_MISSING, "manifest of %s@%s", t->name, t->version);
	if (err != CB_OK)
		return err;
	cb_manifest_path(t->path, t->sha256, path);
	err = keep(s, path);
	for (unsigned i = 0; err == CB_OK && i < f.manifest.n_segments; i++) {
		cb_segment_name(&f.manifest, i, segment);
		snprintf(path, sizeof(path), "indexes/%s/%s.%s.caibx", t->name, t->version,
			 segment);
		err = keep(s, path);
	}
	return err == CB_OK ? cb_chunk_set_add(&s->chunks, &f.manifest, s->e) : err;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_kept(const struct scan *s, const char *dir, const char *name)
{
	char path[CB_PATH_MAX];
	const char *key = path;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return s->kept.n > 0 &&
		bsearch(&key, s->kept.at, s->kept.n, sizeof(key), compare_paths) != NULL;
}

static enum cb_err keep_listed(struct scan *s, const struct cb_tuf *tuf)
{
	enum cb_err err = CB_OK;

	s->versions = cb_tuf_info(tuf)->versions;
	for (unsigned i = 0; err == CB_OK && i < cb_tuf_n_targets(tuf); i++) {
		struct cb_tuf_target t;

		cb_tuf_target_at(tuf, i, &t);
		err = keep_image(s, &t);
	}
	if (s->kept.n > 0)
		qsort(s->kept.at, s->kept.n, sizeof(*s->kept.at), compare_paths);
	return err;
}

/* ---- Judges ---- */

static bool ends_in(const char *name, const char *tail)
{
	size_t len = strlen(name), tail_len = strlen(tail);

	return len > tail_len && strcmp(name + len - tail_len, tail) == 0;
}

static int judge_leftover(const struct scan *s, const char *dir, const char *name)
{
	(void)s;
	(void)dir;
	return cb_file_is_leftover(name) ? CB_GARBAGE_LEFTOVER : KEEP;
}

static int judge_metadata(const struct scan *s, const char *dir, const char *name)
{
	static const struct {
		const char *tail;
		enum cb_tuf_role role;
	} kinds[] = {
		{ "snapshot.json", CB_TUF_SNAPSHOT },
		{ "targets.json", CB_TUF_TARGETS },
		{ "accounts.json", CB_TUF_ACCOUNTS },
	};
	size_t n_digits = strspn(name, "0123456789");
	char current[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (n_digits == 0 || name[n_digits] != '.' ||
		    strcmp(name + n_digits + 1, kinds[i].tail) != 0)
			continue;
		snprintf(current, sizeof(current), "%ju.%s",
			 (uintmax_t)s->versions.version[kinds[i].role], kinds[i].tail);
		return strcmp(name, current) == 0 ? KEEP : CB_GARBAGE_METADATA;
	}
	return judge_leftover(s, dir, name);
}

static int judge_manifest(const struct scan *s, const char *dir, const char *name)
{
	uint8_t sha256[CB_DIGEST_LEN];
	bool has_form = strlen(name) > HEX_LEN && name[HEX_LEN] == '.' && ends_in(name, ".cbm") &&
		cb_hex_decode((struct cb_bytes){ (const uint8_t *)name, HEX_LEN }, sha256,
			      sizeof(sha256));

	if (!has_form)
		return judge_leftover(s, dir, name);
	return is_kept(s, dir, name) ? KEEP : CB_GARBAGE_MANIFEST;
}

static int judge_index(const struct scan *s, const char *dir, const char *name)
{
	if (!ends_in(name, ".caibx"))
		return judge_leftover(s, dir, name);
	return is_kept(s, dir, name) ? KEEP : CB_GARBAGE_INDEX;
}

static int judge_chunk(const struct scan *s, const char *dir, const char *name)
{
	uint8_t id[CB_DIGEST_LEN];
	const char *folder = strrchr(dir, '/') + 1;

	if (strlen(name) < HEX_LEN || strlen(folder) != 4 || memcmp(folder, name, 4) != 0 ||
	    !cb_hex_decode((struct cb_bytes){ (const uint8_t *)name, HEX_LEN }, id, sizeof(id)))
		return KEEP;
	if (strcmp(name + HEX_LEN, ".cacnk.tmp") == 0)
		return CB_GARBAGE_LEFTOVER;
	if (strcmp(name + HEX_LEN, ".cacnk") != 0)
		return KEEP;
	return cb_chunk_set_has(&s->chunks, id) ? KEEP : CB_GARBAGE_CHUNK;
}

/* ---- Walk ---- */

static void close_dir(DIR **dir)
{
	if (*dir != NULL)
		closedir(*dir);
}

/* *ret NULL: there is none, or it is a symbolic link. */
static enum cb_err open_dir(struct scan *s, const char *path, DIR **ret)
{
	char full[CB_PATH_MAX];
	enum cb_err err = cb_path(full, s->e, "%s/%s", s->repo, path);

	if (err != CB_OK)
		return err;
	int fd = open(full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return CB_OK;
	*ret = fd < 0 ? NULL : fdopendir(fd);
	if (*ret != NULL)
		return CB_OK;
	err = cb_fail_errno(s->e, "%s", full);
	if (fd >= 0)
		close(fd);
	return err;
}

static enum cb_err add(struct scan *s, const char *dir, const char *name, uint64_t len, int kind)
{
	struct cb_garbage *g = &s->found;
	struct cb_garbage_file *at = g->at;
	char *path = NULL;

	/* twice as many whenever it is full, which is at every power of two */
	if ((g->n & (g->n - 1)) == 0)
		at = reallocarray(at, g->n == 0 ? 1 : 2 * g->n, sizeof(*at));
	if (at != NULL)
		g->at = at;
	if (at == NULL || asprintf(&path, "%s/%s", dir, name) < 0)
		return cb_fail(s->e, CB_NO_MEMORY, "%s", s->repo);
	g->at[g->n++] = (struct cb_garbage_file){ path, len };
	g->bytes += len;
	g->n_of[kind]++;
	return CB_OK;
}

static enum cb_err scan_dir(struct scan *s, const char *path, judge_fn judge)
{
	cb_cleanup(close_dir) DIR *dir = NULL;
	enum cb_err err = open_dir(s, path, &dir);
	struct stat st;

	for (struct dirent *d; err == CB_OK && dir != NULL && (d = readdir(dir)) != NULL;) {
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		int kind = judge(s, path, d->d_name);
		if (kind != KEEP)
			err = add(s, path, d->d_name, (uint64_t)st.st_size, kind);
	}
	return err;
}

/* The directories in `top`. */
static enum cb_err scan_tree(struct scan *s, const char *top, judge_fn judge)
{
	cb_cleanup(close_dir) DIR *dir = NULL;
	enum cb_err err = open_dir(s, top, &dir);
	char path[CB_PATH_MAX];

	for (struct dirent *d; err == CB_OK && dir != NULL && (d = readdir(dir)) != NULL;) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		err = cb_path(path, s->e, "%s/%s", top, d->d_name);
		if (err == CB_OK)
			err = scan_dir(s, path, judge);
	}
	return err;
}

enum cb_err cb_garbage_find(const char *repo, const struct cb_tuf *tuf, struct cb_garbage *ret,
			    struct cb_error *e)
{
	struct scan s = { .repo = repo, .e = e };
	enum cb_err err = keep_listed(&s, tuf);

	if (err == CB_OK)
		err = scan_dir(&s, "metadata", judge_metadata);
	if (err == CB_OK)
		err = scan_tree(&s, "manifests", judge_manifest);
	if (err == CB_OK)
		err = scan_tree(&s, "indexes", judge_index);
	if (err == CB_OK)
		err = scan_tree(&s, "accounts", judge_leftover);
	if (err == CB_OK)
		err = scan_tree(&s, "store.castr", judge_chunk);
	if (err == CB_OK) {
		*ret = s.found;
		s.found = (struct cb_garbage){ 0 };
	}
	for (size_t i = 0; i < s.kept.n; i++)
		free(s.kept.at[i]);
	free(s.kept.at);
	cb_chunk_set_done(&s.chunks);
	cb_garbage_done(&s.found);
	return err;
}

/* ---- Removal ---- */

/* A directory below manifests/, indexes/, accounts/ or store.castr/ that is empty now. */
static void remove_parent(const char *repo, const char *path)
{
	char dir[CB_PATH_MAX];

	if (strncmp(path, "metadata/", strlen("metadata/")) == 0 ||
	    cb_path(dir, NULL, "%s/%s", repo, path) != CB_OK)
		return;
	*strrchr(dir, '/') = '\0';
	rmdir(dir);
}

enum cb_err cb_garbage_remove(const char *repo, const struct cb_garbage *g, struct cb_error *e)
{
	for (size_t i = 0; i < g->n; i++) {
		char path[CB_PATH_MAX];
		enum cb_err err = cb_path(path, e, "%s/%s", repo, g->at[i].path);

		if (err != CB_OK)
			return err;
		if (unlink(path) != 0 && errno != ENOENT)
			return cb_fail_errno(e, "%s", path);
		remove_parent(repo, g->at[i].path);
	}
	return CB_OK;
}

void cb_garbage_done(struct cb_garbage *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->at[i].path);
	free(g->at);
	*g = (struct cb_garbage){ 0 };
}
