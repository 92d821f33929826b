/* SPDX-License-Identifier: MIT */
/* The firmware's console: text out, keys in. */
#ifndef CB_EFI_CONSOLE_H
#define CB_EFI_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

/* Clears the screen, turns the cursor on, looks for the extended keyboard interface. */
void cb_console_init(void);
size_t cb_console_columns(void);
/* For struct cb_screen; ctx unused. */
void cb_console_write(void *ctx, const char *text, size_t len);
/* The next key press (enum cb_keypress or a printable character); CB_KEY_NONE when none waits. */
unsigned cb_console_key(void);
/* The event that fires on a key press (an EFI_EVENT). */
void *cb_console_key_event(void);
/* Forgets key presses that wait. */
void cb_console_drain(void);

#endif
