/* SPDX-License-Identifier: MIT */
/* Going on without the network, by what the cache has (DESIGN §5.5): when, how long, and what is told. */
#include "core/boot_internal.h"

#define DAY_S 86400

bool cb_boot_is_network_trouble(enum cb_err err)
{
	return cb_err_info(err)->code / 100 == 1 && err != CB_URL_FORMAT;
}

bool cb_boot_go_offline(struct cb_boot *b, enum cb_err err)
{
	if (b->is_offline || !cb_boot_is_network_trouble(err) || !cb_boot_cache_has_metadata(b))
		return false;
	b->is_offline = b->waives_expiry = true;
	b->offline_why = err;
	cb_boot_enter(b, CB_STAGE_METADATA);
	return true;
}

enum cb_err cb_boot_offline_err(const struct cb_boot *b, enum cb_err err)
{
	/* A cache that lacks it, or was tampered with, is as good as none: it is the network that lacks. */
	return b->is_offline ? CB_NET_OFFLINE : err;
}

/* The earliest of all dates that end it: what is signed, and the account's days since the timestamp. */
static int64_t end_of(const struct cb_boot *b)
{
	const struct cb_tuf_info *info = cb_tuf_info(b->tuf);
	int64_t end_s = info->issued_s + (int64_t)b->record.policy.offline_days * DAY_S;

	for (unsigned role = 0; role < CB_TUF_N_ROLES; role++)
		if (role != CB_TUF_TIMESTAMP && info->expires_s[role] < end_s)
			end_s = info->expires_s[role];
	return b->record.expires_s < end_s ? b->record.expires_s : end_s;
}

static bool is_waived(const struct cb_boot *b)
{
	return b->is_offline || cb_tuf_info(b->tuf)->expires_s[CB_TUF_TIMESTAMP] <= b->now_s;
}

enum cb_err cb_boot_offline_check(struct cb_boot *b)
{
	int64_t end_s = end_of(b);

	b->offline_until_s = 0;
	if (!is_waived(b))
		return CB_OK;
	/* With a network it is the repository that is late, not the machine. */
	if (cb_tuf_info(b->tuf)->issued_s == 0 || b->record.policy.offline_days == 0 ||
	    b->now_s >= end_s)
		return b->is_offline ? CB_OFFLINE_OVER : CB_META_EXPIRED;
	b->offline_until_s = end_s;
	cb_boot_offline_tell(b);
	return CB_OK;
}

void cb_boot_offline_tell(struct cb_boot *b)
{
	if (!is_waived(b))
		return;
	cb_boot_emit(b,
		     &(struct cb_event){ .kind = CB_EVENT_OFFLINE,
					 .err = b->offline_why,
					 .offline = { .since_s = cb_tuf_info(b->tuf)->issued_s,
						      .until_s = b->offline_until_s } });
}
