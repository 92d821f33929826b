/* SPDX-License-Identifier: MIT */
/* The stack protector's support (-fstack-protector-strong on the Windows ABI). */
#ifndef CB_EFI_GUARD_H
#define CB_EFI_GUARD_H

/* Chooses the canary. Only from a function without protection that never returns to one with it. */
void cb_guard_init(void) __attribute__((no_stack_protector));

#endif
