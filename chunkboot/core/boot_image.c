/* SPDX-License-Identifier: MIT */
/* Boot stages of the image: choice of the environment, fetch with progress. */
#include <string.h>

#include "core/boot_internal.h"

const char *cb_boot_arch_name(const struct cb_boot *b)
{
	return b->params.arch == CB_ARCH_AARCH64 ? "aarch64" : "x86_64";
}

/* Offline the newest version counts whose manifest is here: what the cache was last filled with. */
static bool newest_cached(const struct cb_boot *b, struct cb_bytes name, struct cb_tuf_target *ret)
{
	struct cb_cache_reading r;
	struct cb_tuf_target t;

	ret->serial = 0;
	for (unsigned i = 0; i < cb_tuf_n_targets(b->tuf); i++) {
		cb_tuf_target_at(b->tuf, i, &t);
		if (cb_bytes_is(name, t.name) && strcmp(t.arch, cb_boot_arch_name(b)) == 0 &&
		    t.serial > ret->serial &&
		    cb_cache_find(b->cache, CB_CACHE_MANIFEST, t.sha256, &r))
			*ret = t;
	}
	return ret->serial > 0;
}

/* The listed target that environment i names. */
static enum cb_err find_target(const struct cb_boot *b, unsigned i, struct cb_tuf_target *ret)
{
	struct cb_bytes name = b->record.envs[i].target;

	if (b->forced[0] != '\0')
		name = cb_bytes_of(b->forced);
	if (name.len > 0 && memchr(name.p, '/', name.len))
		return cb_tuf_find(b->tuf, name, ret);
	if (b->is_offline && newest_cached(b, name, ret))
		return CB_OK;
	return cb_tuf_newest(b->tuf, name, cb_boot_arch_name(b), ret);
}

/* The version before this one, for a person whose new one doesn't boot. */
static void find_previous(struct cb_boot *b, const struct cb_tuf_target *than)
{
	struct cb_tuf_target best = { .serial = 0 };

	for (unsigned i = 0; i < cb_tuf_n_targets(b->tuf); i++) {
		struct cb_tuf_target t;

		cb_tuf_target_at(b->tuf, i, &t);
		if (strcmp(t.name, than->name) == 0 && strcmp(t.arch, than->arch) == 0 &&
		    t.serial < than->serial && t.serial > best.serial)
			best = t;
	}
	memcpy(b->previous, best.path, sizeof(b->previous));
}

/* ---- starting and stopping the fetch of the selected environment ---- */

static void stop_image(struct cb_boot *b)
{
	cb_imagefetch_free(b->image);
	b->image = NULL;
}

static void name_image(struct cb_boot *b, const struct cb_tuf_target *target)
{
	size_t len = strlen(target->path);

	/* NAME/VERSION, without the suffix .cbm */
	if (len > 4)
		len -= 4;
	memcpy(b->image_name, target->path, len);
	b->image_name[len] = '\0';
}

/* False when it failed: the error screen is up then. */
static bool start_image(struct cb_boot *b)
{
	struct cb_fetch_stats stats;
	struct cb_tuf_target target;
	enum cb_err err = find_target(b, b->selected, &target);
	char name[CB_TARGET_PATH_MAX + 1] = "";
	struct cb_bytes wanted = b->record.envs[b->selected].target;

	if (err != CB_OK) {
		size_t len = wanted.len < sizeof(name) ? wanted.len : sizeof(name) - 1;
		memcpy(name, wanted.p, len);
		cb_boot_fail(b, err, name);
		return false;
	}
	name_image(b, &target);
	find_previous(b, &target);
	b->was_cmdline_checked = false;
	b->seen_ms = cb_boot_now(b);
	b->waiting_ms = b->seen_ms;
	cb_fetch_stats(b->fetch, &stats);
	b->seen_bytes = stats.body_bytes + stats.cache_bytes;
	b->rate_bytes_s = 0;
	if (strcmp(target.arch, cb_boot_arch_name(b)) != 0)
		err = CB_IMAGE_ARCH;
	if (err == CB_OK)
		b->image = cb_boot_prefetch_take(b, &target);
	if (err == CB_OK && !b->image)
		err = cb_imagefetch_new(b->platform, b->fetch, &target, &b->image);
	if (err != CB_OK)
		cb_boot_fail(b, err, b->image_name);
	return err == CB_OK;
}

/* The command line is judged as soon as the manifest is here, before the chunks are. */
static enum cb_err check_cmdline(struct cb_boot *b)
{
	const struct cb_manifest *m = cb_imagefetch_manifest(b->image);

	if (!m || b->was_cmdline_checked)
		return CB_OK;
	b->was_cmdline_checked = true;
	return cb_cmdline_compose(m, b->record.envs[b->selected].cmdline_suffix,
				  cb_bytes_of("chunkboot=" CB_LOADER_VERSION_TEXT), b->cmdline);
}

/* Steps the fetch; on failure the error screen is up and the image gone. */
static enum cb_job_status step_image(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	enum cb_err err = CB_OK;
	enum cb_job_status status = cb_imagefetch_step(b->image, ret_wake_ms, &err);

	if (status != CB_JOB_FAILED) {
		err = check_cmdline(b);
		if (err == CB_OK)
			return status;
		cb_boot_fail(b, err, b->image_name);
	} else if (err == CB_MANIFEST_HASH && cb_boot_older_metadata(b)) {
		return CB_JOB_FAILED;
	} else {
		b->need_bytes = cb_imagefetch_need(b->image);
		if (cb_boot_is_network_trouble(err))
			err = cb_boot_offline_err(b, err);
		cb_boot_fail(b, err, cb_imagefetch_subject(b->image));
	}
	stop_image(b);
	return CB_JOB_FAILED;
}

/* ---- menu ---- */

static void show_menu(struct cb_boot *b)
{
	struct cb_event event = { .kind = CB_EVENT_MENU };
	char title[CB_RECORD_MAX_LABEL + 1];
	size_t len = b->record.display_name.len;

	if (len >= sizeof(title))
		len = sizeof(title) - 1;
	if (len > 0)
		memcpy(title, b->record.display_name.p, len);
	title[len] = '\0';
	event.menu.n = b->record.n_envs;
	event.menu.selected = b->selected;
	event.menu.countdown_s = b->countdown_shown_s;
	event.menu.account_title = title;
	for (unsigned i = 0; i < b->record.n_envs; i++) {
		const struct cb_environment *e = &b->record.envs[i];
		event.menu.label[i] = e->label.len > 0 ? e->label : e->target;
	}
	cb_boot_emit(b, &event);
}

static void select_default(struct cb_boot *b)
{
	if (b->selected >= b->record.n_envs)
		b->selected = 0;
	if (b->selected > 0)
		return; /* chosen before a retry */
	for (unsigned i = 0; i < b->record.n_envs; i++)
		if (b->record.envs[i].is_default)
			b->selected = i;
}

static bool is_unattended(const struct cb_boot *b)
{
	return b->config.has_autologin;
}

void cb_boot_menu_enter(struct cb_boot *b)
{
	if (b->record.n_envs == 0) {
		cb_boot_fail(b, CB_NO_ENVIRONMENT, "account record");
		return;
	}
	select_default(b);
	stop_image(b);
	b->countdown_until_ms = 0;
	b->countdown_shown_s = 0;
	if (is_unattended(b)) {
		cb_boot_enter(b, CB_STAGE_FETCH);
		return;
	}
	if (b->record.n_envs == 1) {
		b->countdown_until_ms = b->entered_ms + CB_BOOT_COUNTDOWN_MS;
		b->countdown_shown_s = CB_BOOT_COUNTDOWN_MS / 1000;
	}
	show_menu(b);
	/* While the count-down runs the bytes come in already. */
	if (b->countdown_until_ms > 0)
		(void)start_image(b);
}

static void countdown(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	uint64_t now = cb_boot_now(b);
	unsigned left_s;

	if (now >= b->countdown_until_ms) {
		cb_boot_enter(b, CB_STAGE_FETCH);
		return;
	}
	left_s = (unsigned)((b->countdown_until_ms - now + 999) / 1000);
	if (left_s != b->countdown_shown_s) {
		b->countdown_shown_s = left_s;
		show_menu(b);
	}
	cb_boot_wake_at(ret_wake_ms, b->countdown_until_ms - (left_s - 1) * 1000ull);
}

void cb_boot_menu_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	cb_boot_prefetch_step(b, ret_wake_ms);
	if (b->image && step_image(b, ret_wake_ms) == CB_JOB_FAILED)
		return;
	if (b->countdown_until_ms > 0)
		countdown(b, ret_wake_ms);
}

void cb_boot_menu_key(struct cb_boot *b, unsigned key)
{
	unsigned n = b->record.n_envs;
	unsigned before = b->selected;

	if (key == CB_KEY_ENTER) {
		cb_boot_enter(b, CB_STAGE_FETCH);
		return;
	}
	if (key == CB_KEY_UP)
		b->selected = (b->selected + n - 1) % n;
	else if (key == CB_KEY_DOWN)
		b->selected = (b->selected + 1) % n;
	else if (key >= '1' && key < '1' + n)
		b->selected = key - '1';
	b->countdown_until_ms = 0;
	b->countdown_shown_s = 0;
	if (b->selected != before)
		stop_image(b);
	show_menu(b);
}

/* ---- fetch ---- */

void cb_boot_fetch_enter(struct cb_boot *b)
{
	b->progress_ms = 0;
	if (!b->image)
		(void)start_image(b);
}

/* Smoothed over about two seconds. */
static void measure_rate(struct cb_boot *b, uint64_t bytes, uint64_t now)
{
	uint64_t elapsed = now - b->seen_ms;
	uint64_t rate;

	if (elapsed < CB_BOOT_PROGRESS_MS)
		return;
	rate = (bytes - b->seen_bytes) * 1000 / elapsed;
	b->rate_bytes_s = b->rate_bytes_s ? (b->rate_bytes_s * 7 + rate) / 8 : rate;
	b->seen_bytes = bytes;
	b->seen_ms = now;
}

/* A mirror that has sent wrong bytes is named on screen. */
static void name_bad_mirrors(struct cb_boot *b)
{
	for (unsigned i = 0; i < cb_fetch_n_sources(b->fetch); i++) {
		struct cb_source_stats stats;

		cb_fetch_source_stats(b->fetch, i, &stats);
		if (stats.wrong_objects == b->wrong_seen[i])
			continue;
		b->wrong_seen[i] = stats.wrong_objects;
		cb_boot_emit(b,
			     &(struct cb_event){ .kind = CB_EVENT_NOTICE,
						 .err = CB_CHUNK_HASH,
						 .subject = cb_fetch_source_name(b->fetch, i) });
	}
}

static void show_progress(struct cb_boot *b, uint64_t done, uint64_t total)
{
	struct cb_event event = { .kind = CB_EVENT_PROGRESS };
	struct cb_fetch_stats stats;
	unsigned n = cb_fetch_n_sources(b->fetch);

	cb_fetch_stats(b->fetch, &stats);
	event.progress.done_bytes = done;
	event.progress.total_bytes = total;
	event.progress.rate_bytes_s = b->rate_bytes_s;
	event.progress.remaining_s = UINT32_MAX;
	if (b->rate_bytes_s > 0 && (total - done) / b->rate_bytes_s < UINT32_MAX)
		event.progress.remaining_s = (uint32_t)((total - done) / b->rate_bytes_s);
	event.progress.cache_bytes = stats.cache_bytes;
	event.progress.n_connections = stats.n_connections;
	event.progress.n_mirrors = n;
	for (unsigned i = 0; i < n; i++) {
		struct cb_source_stats source;
		cb_fetch_source_stats(b->fetch, i, &source);
		event.progress.n_mirrors_up += source.is_up;
	}
	event.progress.image = b->image_name;
	cb_boot_emit(b, &event);
}

static void report(struct cb_boot *b, uint64_t *ret_wake_ms, bool is_last)
{
	struct cb_fetch_stats stats;
	uint64_t now = cb_boot_now(b);
	uint64_t done, total, idle_since;

	cb_imagefetch_progress(b->image, &done, &total);
	cb_fetch_stats(b->fetch, &stats);
	measure_rate(b, stats.body_bytes + stats.cache_bytes, now);
	if (is_last || now >= b->progress_ms + CB_BOOT_PROGRESS_MS) {
		b->progress_ms = now;
		name_bad_mirrors(b);
		show_progress(b, done, total);
	}
	idle_since =
		stats.last_progress_ms > b->waiting_ms ? stats.last_progress_ms : b->waiting_ms;
	if (now >= idle_since + CB_BOOT_WAITING_MS) {
		b->waiting_ms = now;
		cb_boot_emit(b, &(struct cb_event){ .kind = CB_EVENT_WAITING });
	}
	cb_boot_wake_at(ret_wake_ms, now + CB_BOOT_PROGRESS_MS);
}

void cb_boot_fetch_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	enum cb_job_status status = step_image(b, ret_wake_ms);

	if (status == CB_JOB_FAILED)
		return;
	report(b, ret_wake_ms, /*is_last=*/status == CB_JOB_DONE);
	if (status != CB_JOB_DONE)
		return;
	if (cb_boot_cache_save(b))
		cb_boot_wake_at(ret_wake_ms, cb_boot_now(b));
	else
		cb_boot_enter(b, CB_STAGE_HANDOVER);
}
