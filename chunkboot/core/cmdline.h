/* SPDX-License-Identifier: MIT */
/* Kernel command line: the signed line plus permitted tokens of the account's suffix plus facts. */
#ifndef CB_CORE_CMDLINE_H
#define CB_CORE_CMDLINE_H

#include "core/manifest.h"

#define CB_CMDLINE_FACTS_MAX 256

/*
 * out = m->cmdline ‖ ' ' ‖ suffix ‖ ' ' ‖ facts, each part only when it is not empty. A suffix token
 * (blank-separated, no quotes, printable ASCII) must be equal to an allow entry, or start with one
 * that ends in '=' or '.' or ','. CMDLINE_REFUSED, CMDLINE_TOO_LONG (cmdline and suffix > 2,047).
 */
enum cb_err cb_cmdline_compose(const struct cb_manifest *m, struct cb_bytes suffix,
			       struct cb_bytes facts,
			       char out[CB_CMDLINE_MAX + 1 + CB_CMDLINE_FACTS_MAX + 1]);

#endif
