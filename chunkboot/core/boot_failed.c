/* SPDX-License-Identifier: MIT */
/* Boot stage of the error screen: what is told, which keys there are, when it retries by itself. */
#include <string.h>

#include "core/boot_internal.h"

static bool has_received(const struct cb_boot *b)
{
	for (unsigned i = 0; b->fetch && i < cb_fetch_n_sources(b->fetch); i++) {
		struct cb_source_stats stats;

		cb_fetch_source_stats(b->fetch, i, &stats);
		if (stats.body_bytes > 0)
			return true;
	}
	return false;
}

/*
 * True: addresses, router and names may be what was wrong, where nothing has come at all, or the wrong
 * things. A line that breaks off does not cost a network that is good, the first time, which is
 * remembered.
 */
static bool judge_network(struct cb_boot *b)
{
	bool was_good = b->was_network_good;

	switch (b->err) {
	case CB_NET_DNS:
	case CB_NET_CONNECT:
	case CB_NET_TIMEOUT:
		b->was_network_good = has_received(b);
		return !was_good && !b->was_network_good;
	default:
		return cb_err_info(b->err)->code / 100 <= 3; /* of what mirrors say, too */
	}
}

/* What helps a person with network trouble is the mirror's name, not the file's. */
static const char *trouble_subject(const struct cb_boot *b, const char *subject)
{
	if (cb_boot_is_network_trouble(b->err) && b->err != CB_NET_OFFLINE && b->fetch &&
	    cb_fetch_n_sources(b->fetch) > 0)
		return cb_fetch_source_name(b->fetch, 0);
	return subject;
}

void cb_boot_failed_enter(struct cb_boot *b)
{
	const struct cb_platform *p = b->platform;
	struct cb_event event = {
		.kind = CB_EVENT_ERROR,
		.err = b->err,
		.subject = trouble_subject(b, b->subject),
		.offers_previous = b->previous[0] != '\0',
	};

	b->retry_at_ms = 0;
	/* Where nobody is, somebody may put right elsewhere whatever it is. */
	event.retries = cb_boot_is_network_trouble(b->err) || b->err == CB_OFFLINE_OVER ||
		b->config.has_autologin;
	if (event.retries) {
		b->retry_at_ms = b->entered_ms + b->retry_delay_ms;
		b->retry_delay_ms *= 2;
		if (b->retry_delay_ms > CB_BOOT_RETRY_MAX_MS)
			b->retry_delay_ms = CB_BOOT_RETRY_MAX_MS;
	}
	if (b->err == CB_MEMORY_SHORT) {
		event.need_bytes = b->need_bytes;
		event.free_bytes = p->free_memory ? p->free_memory(p->ctx) : 0;
	}
	cb_boot_emit(b, &event);
}

static void retry(struct cb_boot *b)
{
	b->outcome = CB_BOOT_RUNNING;
	b->n_refused = 0;
	/* The driver brings it up anew. */
	if (judge_network(b))
		b->is_network_up = false;
	cb_boot_enter(b, CB_STAGE_NETWORK);
}

void cb_boot_failed_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	if (b->retry_at_ms == 0)
		return;
	if (cb_boot_now(b) >= b->retry_at_ms)
		retry(b);
	else
		cb_boot_wake_at(ret_wake_ms, b->retry_at_ms);
}

void cb_boot_failed_key(struct cb_boot *b, unsigned key)
{
	switch (key) {
	case 'r':
	case 'R':
	case CB_KEY_ENTER:
		b->retry_delay_ms = CB_BOOT_RETRY_FIRST_MS;
		retry(b);
		break;
	case 'b':
	case 'B':
		b->outcome = CB_BOOT_REBOOT;
		break;
	case 'f':
	case 'F':
		b->outcome = CB_BOOT_FIRMWARE_SETUP;
		break;
	case 'n':
	case 'N':
		if (b->config.allow_next_option)
			b->outcome = CB_BOOT_NEXT_OPTION;
		break;
	case 'p':
	case 'P':
		if (b->previous[0] != '\0') {
			memcpy(b->forced, b->previous, sizeof(b->forced));
			retry(b);
		}
		break;
	case 'e':
	case 'E':
		if (b->has_record && b->record.n_envs > 1) {
			b->selected = (b->selected + 1) % b->record.n_envs;
			b->forced[0] = '\0';
			retry(b);
		}
		break;
	default:
		break;
	}
}
