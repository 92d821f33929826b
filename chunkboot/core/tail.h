/* SPDX-License-Identifier: MIT */
/* Inside the fetch engine: who takes which of the last items, so that all paths finish together. */
#ifndef CB_CORE_TAIL_H
#define CB_CORE_TAIL_H

#include "core/job.h"

/*
 * *ret_item may be asked for from room in s. Near the end of the job it becomes the largest item, since
 * one that is begun last leaves all other paths idle; for a slow path the largest that it can bring in
 * time. False: a faster path should take what is left.
 */
bool cb_tail_pick(struct cb_job *job, const struct cb_source *s, const struct cb_room *room,
		  uint32_t *ret_item);

/*
 * When nothing waits any more: the request that asking s a second time would bring in soonest; NULL:
 * none. It is one from which nothing has come for long, or one that stands behind so much on its slow
 * connection that s is done in half the time. room is where it would be asked (NULL: none yet).
 * A source that is preferred to s is there to spare it: its requests stay where they are unless it crawls,
 * or has shown nothing yet and is silent.
 */
struct cb_ask *cb_tail_late(struct cb_fetch *f, const struct cb_source *s,
			    const struct cb_room *room, uint64_t *wake_ms);

#endif
