/* SPDX-License-Identifier: MIT */
/* Makes passphrases, and estimates how hard a self-chosen one is to guess. */
#ifndef CB_HOST_PASSPHRASE_H
#define CB_HOST_PASSPHRASE_H

#include "core/login.h"

#define CB_PASSPHRASE_WORDS 7 /* of 10 bits each: 70 bits */
#define CB_PASSPHRASE_MIN_BITS 60 /* a static account's weakest self-chosen passphrase */

/* Seven random words with blanks between. Secret: the caller wipes out. */
void cb_passphrase_generate(char out[CB_PASSPHRASE_MAX + 1]);

/*
 * Bits of work for a guesser who knows words, common passwords, dates, keyboard runs, repetitions
 * and the usual substitutions; rounded down. The text is normalised (core/login.h). An estimate:
 * it errs on the low side for random text, and cannot know what a person would find obvious.
 */
unsigned cb_passphrase_bits(const char *text);

#endif
