/* SPDX-License-Identifier: MIT */
/* The verbs in the order of the help: X(name) stands for `const struct cb_verb cb_verb_name`. */
#ifndef CB_CMD_VERBS_H
#define CB_CMD_VERBS_H

#include "cmd/cmd.h"

/* clang-format off */
#define CB_VERB_LIST(X) \
	X(init) X(publish) X(withdraw) X(default) X(refresh) X(gc) X(account) X(status) X(stats) X(list) X(inspect) X(verify) X(errors) X(serve) X(loader) X(run) X(fetch) X(cache) X(completion)
/* clang-format on */

#define CB_VERB_EXTERN(name) extern const struct cb_verb cb_verb_##name;
CB_VERB_LIST(CB_VERB_EXTERN)
#undef CB_VERB_EXTERN

#endif
