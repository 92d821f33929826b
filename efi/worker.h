/* SPDX-License-Identifier: MIT */
/*
 * The machine's other processors do the core's work (EFI_MP_SERVICES_PROTOCOL, PI volume 2 §13.4).
 * All functions here are for the boot processor.
 */
#ifndef CB_EFI_WORKER_H
#define CB_EFI_WORKER_H

#include "core/platform.h"

#define CB_WORKERS_MAX 4

/* Looks which processors there are; none is started before there is work. */
void cb_workers_init(struct cb_workers *ret);
/*
 * Keeps the work going: starts processors that have left for want of work, and does here what none
 * of them takes on in time. Call it in every loop that waits for work without cb_workers.drain.
 */
void cb_workers_step(void);
/*
 * Waits for all work, then sends the other processors back to the firmware: ExitBootServices waits
 * for them, and our code must not go away under them. The next submit starts them again. Calls
 * before boot services or our image end; at any number of times.
 */
void cb_workers_stop(void);

#endif
