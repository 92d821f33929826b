/* SPDX-License-Identifier: MIT */
/* Inside the fetch engine: a mirror, several pipelined HTTP connections to one base URL. */
#ifndef CB_CORE_MIRROR_H
#define CB_CORE_MIRROR_H

#include "core/conn.h"

#define CB_MIRROR_START_CONNECTIONS 4 /* then more while the rate grows with them */
#define CB_MIRROR_MAX_HOPS 5 /* redirects in a row */

struct cb_mirror {
	struct cb_source source; /* first */
	struct cb_url home, base; /* as configured; where redirects have led to */
	unsigned n_hops; /* redirects that changed base since the last good answer */
	unsigned generation; /* of base: connections of older ones get no requests */
	bool is_away; /* base is not home */
	unsigned n_opened; /* connections so far */
	struct cb_conn *conns[CB_FETCH_MAX_PER_MIRROR];
	unsigned n_target, n_limit; /* connections wanted now; most that the server takes */
	/* What the server turned out to be like. */
	bool has_pipelined;
	unsigned depth; /* most requests outstanding on a connection; 0: no limit known */
	unsigned quota, last_quota; /* requests it answers on one connection; 0: no limit known */
	uint32_t fresh_rate; /* of new connections, smoothed, bytes a millisecond; 0: not known */
	uint64_t renewed_ms; /* when the last worn connection was retired */
	uint64_t rate, best_rate; /* of all, bytes a millisecond: last measured, highest */
	uint64_t grow_since_ms, grow_bytes, grow_rate;
	bool is_saturated;
};

/* The source for a base URL; owned by the caller, freed by ops->free. */
enum cb_err cb_mirror_new(struct cb_fetch *f, struct cb_bytes url, unsigned index,
			  struct cb_source **ret);

/* Is s a mirror with this base URL, however it is written? */
bool cb_mirror_is_at(const struct cb_source *s, struct cb_bytes url);
/* Back to where the mirror was before redirects led elsewhere. */
void cb_mirror_go_home(struct cb_mirror *m);

#endif
