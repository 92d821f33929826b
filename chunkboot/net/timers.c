/* SPDX-License-Identifier: MIT */
/* lwIP's cyclic timers, driven by the poll: nothing that a failing allocation could end. */
#include "lwip/timeouts.h"
#include "net/net_private.h"

/*
 * lwIP's own list of timeouts (LWIP_TIMERS) takes memory for each round of each timer. Where there
 * is none for once, that timer is gone for good: with TCP's every retransmission, with DNS's every
 * second question. Here only its table is used.
 */

void cb_timers_start(uint64_t now_ms)
{
	for (int i = 0; i < CB_NET_TIMERS; i++)
		cb_net_state.timer_ms[i] = now_ms + lwip_cyclic_timers[i].interval_ms;
}

uint64_t cb_timers_poll(uint64_t now_ms)
{
	uint64_t wake_ms = UINT64_MAX;

	for (int i = 0; i < CB_NET_TIMERS; i++) {
		uint64_t *due_ms = &cb_net_state.timer_ms[i];
		uint32_t interval_ms = lwip_cyclic_timers[i].interval_ms;

		if (now_ms >= *due_ms) {
			lwip_cyclic_timers[i].handler();
			/* In step, unless more than a whole round was missed. */
			*due_ms += interval_ms;
			if (*due_ms <= now_ms)
				*due_ms = now_ms + interval_ms;
		}
		if (*due_ms < wake_ms)
			wake_ms = *due_ms;
	}
	return wake_ms;
}
