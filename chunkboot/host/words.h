/* SPDX-License-Identifier: MIT */
/* The words of generated passphrases. */
#ifndef CB_HOST_WORDS_H
#define CB_HOST_WORDS_H

#define CB_N_WORDS 1024 /* 10 bits each */
#define CB_WORD_MAX 7

extern const char cb_words[CB_N_WORDS][CB_WORD_MAX + 1];

#endif
