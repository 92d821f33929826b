/* SPDX-License-Identifier: MIT */
/* The table behind the error codes. */
#include "core/err.h"

#include <stddef.h>

#define ERR_ROW(sym, num, status, text, remedy)                                                    \
	{ .name = #sym, .code = (num), .exit_code = (status), .message = (text), .hint = (remedy) },
static const struct cb_err_info err_table[] = { CB_ERR_LIST(ERR_ROW) };
#undef ERR_ROW

#define N_ERRS (sizeof(err_table) / sizeof(err_table[0]))

static const struct cb_err_info *find(unsigned code)
{
	for (unsigned i = 0; i < N_ERRS; i++)
		if (err_table[i].code == code)
			return &err_table[i];
	return NULL;
}

const struct cb_err_info *cb_err_info(enum cb_err err)
{
	const struct cb_err_info *info = find((unsigned)err);
	return info ? info : find(CB_INTERNAL);
}

const struct cb_err_info *cb_err_at(unsigned i)
{
	return i < N_ERRS ? &err_table[i] : NULL;
}
