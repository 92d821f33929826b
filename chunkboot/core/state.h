/* SPDX-License-Identifier: MIT */
/* Rollback state kept in variables that only the firmware reaches; today it is never written. */
#ifndef CB_CORE_STATE_H
#define CB_CORE_STATE_H

#include "core/platform.h"
#include "core/tuf.h"

/* What an earlier boot has seen. All zero: nothing known. */
struct cb_state {
	struct cb_tuf_versions versions;
	int64_t time_floor_s;
};

#endif
