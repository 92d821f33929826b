/* SPDX-License-Identifier: MIT */
/* Makes passphrases, and estimates how hard a self-chosen one is to guess. */
#include "host/passphrase.h"

#include <sodium/randombytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/words.h"

void cb_passphrase_generate(char out[CB_PASSPHRASE_MAX + 1])
{
	int len = 0;

	_Static_assert(CB_PASSPHRASE_WORDS * (CB_WORD_MAX + 1) <= CB_PASSPHRASE_MAX, "fits");
	for (int i = 0; i < CB_PASSPHRASE_WORDS; i++)
		len += snprintf(out + len, (size_t)(CB_PASSPHRASE_MAX + 1 - len), "%s%s",
				i > 0 ? " " : "", cb_words[randombytes_uniform(CB_N_WORDS)]);
}

/*
 * The estimate: the cheapest way to put the text together from pieces that a guesser would try.
 * Costs are in hundredths of a bit.
 */
#define WORD_COST 1000 /* of our list: it is public */
#define REPEATED_WORD_COST 300
#define COMMON_COST 800 /* one of the passwords that everybody tries first */
#define SHORT_WORD_COST 900 /* of three letters */
#define WORDLIKE_COST 1400 /* some word or name of some dictionary */
#define WORDLIKE_LETTER_COST 200 /* each letter past the eighth: several words run together */
#define LEET_COST 200
#define UPPER_COST 100 /* each capital in a word */
#define COPY_COST 600 /* something that was there before */
#define RUN_COST 900 /* abcdef, 98765, qwertz */
#define YEAR_COST 730
#define DATE_COST 1500
#define DIGIT_COST 332
#define LETTER_COST 470
#define MAX_PIECE 64 /* characters */
#define NO_COST 1000000u

static const char *const common[] = {
	"123456",   "password", "passwort",   "passw0rd", "letmein",   "welcome",  "admin",
	"root",	    "login",	"secret",     "geheim",	  "master",    "dragon",   "monkey",
	"football", "baseball", "iloveyou",   "trustno",  "sunshine",  "princess", "shadow",
	"superman", "batman",	"starwars",   "whatever", "freedom",   "hello",	   "charlie",
	"michael",  "jordan",	"jennifer",   "thomas",	  "andrea",    "daniel",   "ashley",
	"access",   "mustang",	"pokemon",    "computer", "internet",  "samsung",  "google",
	"default",  "changeme", "test",	      "guest",	  "chunkboot", "debian",   "linux",
	"hallo",    "schatz",	"motdepasse", "azerty",	  "soleil",    "bonjour",  "contrasena",
	"qwerty",   "qwertz",	"asdfgh",     "zxcvbn",	  "yxcvbn",    "iloveu",   "correct",
	"horse",    "battery",	"staple",
};

/* Neighbours on keyboards and in the alphabet; runs along them, in both directions, are cheap. */
static const char *const rows[] = {
	"abcdefghijklmnopqrstuvwxyz",
	"01234567890",
	"qwertyuiop",
	"qwertzuiop",
	"azertyuiop",
	"asdfghjkl",
	"qsdfghjklm",
	"zxcvbnm",
	"yxcvbnm",
	"wxcvbn",
	"1qaz2wsx3edc4rfv5tgb6zhn7ujm",
};

/*
 * Which letter follows which in English: bit b of row a, for the pairs that make up 98 % of those
 * in Debian's wamerican-small. Seven of eight words hold no other pair, one random run of eight
 * letters in three hundred does not.
 */
static const uint32_t follows[26] = {
	0x37ebd6e, 0x0164913, 0x11e4d95, 0x1164959, 0x1fff9ff, 0x11a4931, 0x11669d1,
	0x11e4111, 0x22ef87f, 0x0104011, 0x0042911, 0x13c5d19, 0x014d113, 0x13c6d7d,
	0x17efd7f, 0x01ec991, 0x0100000, 0x13efd7f, 0x15dfd95, 0x15e4995, 0x00eb97f,
	0x0004111, 0x0066191, 0x0088110, 0x0049111, 0x2000110,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static char lower(char c)
{
	return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

/* The letter that a digit or symbol often stands for, else 0. */
static char leet_letter(char c)
{
	static const char from[] = "04@31!5$7+8969", to[] = "oaaeiisstttbgg";
	const char *p = strchr(from, c);

	return c != '\0' && p != NULL ? to[p - from] : '\0';
}

/* A piece as a word: lower case, substitutions undone. False when it holds anything else. */
struct word {
	char text[MAX_PIECE + 1];
	size_t len;
	unsigned extra; /* cost of capitals and substitutions */
};

static bool read_word(const char *p, size_t len, struct word *ret)
{
	bool is_leet = false;
	unsigned n_letters = 0;

	*ret = (struct word){ .len = len };
	for (size_t i = 0; i < len; i++) {
		char c = lower(p[i]);

		if (!is_lower(c)) {
			c = leet_letter(c);
			is_leet = true;
		} else {
			n_letters++;
		}
		if (c == '\0')
			return false;
		ret->text[i] = c;
		ret->extra += is_upper(p[i]) ? UPPER_COST : 0;
	}
	ret->extra += is_leet ? LEET_COST : 0;
	return n_letters > 0;
}

static int compare_word(const void *key, const void *entry)
{
	return strcmp(key, entry);
}

static bool is_listed(const char *word)
{
	return bsearch(word, cb_words, CB_N_WORDS, sizeof(cb_words[0]), compare_word) != NULL;
}

static bool is_common(const char *word)
{
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strcmp(word, common[i]) == 0)
			return true;
	return false;
}

static bool is_wordlike(const struct word *w)
{
	if (w->len < 3)
		return false;
	for (size_t i = 1; i < w->len; i++)
		if ((follows[w->text[i - 1] - 'a'] >> (w->text[i] - 'a') & 1) == 0)
			return false;
	return true;
}

static unsigned word_cost(const char *p, size_t len)
{
	struct word w;

	if (!read_word(p, len, &w))
		return NO_COST;
	if (is_common(w.text))
		return COMMON_COST + w.extra;
	if (is_listed(w.text))
		return WORD_COST + w.extra;
	if (!is_wordlike(&w))
		return NO_COST;
	if (len == 3)
		return SHORT_WORD_COST + w.extra;
	size_t more = len > 8 ? len - 8 : 0;
	return WORDLIKE_COST + (unsigned)more * WORDLIKE_LETTER_COST + w.extra;
}

/* A piece of a row, forwards or backwards. */
static unsigned run_cost(const char *p, size_t len)
{
	char there[MAX_PIECE + 1] = { 0 }, back[MAX_PIECE + 1] = { 0 };

	if (len < 3)
		return NO_COST;
	for (size_t i = 0; i < len; i++) {
		there[i] = lower(p[i]);
		back[len - 1 - i] = lower(p[i]);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(rows[i], there) != NULL || strstr(rows[i], back) != NULL)
			return RUN_COST;
	return NO_COST;
}

/* 1957, 24.12.1957, 24121957, 241257. */
static unsigned date_cost(const char *p, size_t len)
{
	size_t n_digits = 0, n_other = 0;

	for (size_t i = 0; i < len; i++) {
		n_digits += is_digit(p[i]);
		n_other += p[i] == '.' || p[i] == '-' || p[i] == '/';
	}
	if (n_digits + n_other != len || !is_digit(p[0]) || !is_digit(p[len - 1]))
		return NO_COST;
	if (len == 4 && (memcmp(p, "19", 2) == 0 || memcmp(p, "20", 2) == 0))
		return YEAR_COST;
	if ((n_other == 0 || n_other == 2) && n_digits >= 4 + (n_other == 0 ? 2 : 0) &&
	    n_digits <= 8)
		return DATE_COST;
	return NO_COST;
}

/* The piece was there before; overlapping with itself is fine (aaaa, ababab). */
static unsigned copy_cost(const char *text, size_t at, size_t len)
{
	if (len < 3)
		return NO_COST;
	for (size_t from = 0; from < at; from++)
		if (memcmp(text + from, text + at, len) == 0)
			return COPY_COST;
	return NO_COST;
}

/* log2 of the number of characters in the classes that the text uses, in hundredths. */
static unsigned any_character_cost(const char *text)
{
	bool has_lower = false, has_upper = false, has_digit = false, has_symbol = false;

	for (const char *p = text; *p != '\0'; p++) {
		has_lower |= is_lower(*p);
		has_upper |= is_upper(*p);
		has_digit |= is_digit(*p);
		has_symbol |= *p != ' ' && !is_lower(*p) && !is_upper(*p) && !is_digit(*p);
	}
	if (has_symbol && has_upper + has_lower + has_digit > 1)
		return 657; /* 95 */
	if (has_upper && has_lower)
		return has_digit ? 595 : 570; /* 62, 52 */
	if (has_digit && (has_upper || has_lower))
		return 517; /* 36 */
	return has_upper || has_lower ? LETTER_COST : has_digit ? DIGIT_COST : 500;
}

static unsigned character_cost(const char *text, size_t at, unsigned any)
{
	char c = text[at], before = at > 0 ? text[at - 1] : '\0', after = text[at + 1];

	if (c == ' ')
		return 0;
	if (is_digit(c) && (is_digit(before) || is_digit(after)))
		return DIGIT_COST;
	if (is_lower(c) && is_lower(before) && is_lower(after))
		return LETTER_COST;
	return any;
}

static unsigned piece_cost(const char *text, size_t at, size_t len)
{
	unsigned cost = word_cost(text + at, len);
	const unsigned others[] = { run_cost(text + at, len), date_cost(text + at, len),
				    copy_cost(text, at, len) };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i] < cost)
			cost = others[i];
	return cost;
}

/*
 * What the generator makes, words of the list with a blank between, each drawn on its own: counted
 * exactly, except that a word which was there before is taken for a person's choice.
 */
static bool is_word_list(const char *text, unsigned *ret_cost)
{
	char padded[CB_PASSPHRASE_MAX + 3], word[CB_WORD_MAX + 3];
	unsigned cost = 0;

	snprintf(padded, sizeof(padded), " %s ", text);
	for (const char *p = text; *p != '\0';) {
		int len = (int)strcspn(p, " ");

		if (len > CB_WORD_MAX)
			return false;
		snprintf(word, sizeof(word), "%.*s", len, p);
		if (!is_listed(word))
			return false;
		snprintf(word, sizeof(word), " %.*s ", len, p);
		cost += strstr(padded, word) - padded < p - text ? REPEATED_WORD_COST : WORD_COST;
		p += len + (p[len] == ' ');
	}
	cb_wipe(padded, sizeof(padded));
	*ret_cost = cost;
	return cost > 0;
}

unsigned cb_passphrase_bits(const char *text)
{
	unsigned best[CB_PASSPHRASE_MAX + 1] = { 0 }, cost, any = any_character_cost(text);
	size_t len = strnlen(text, CB_PASSPHRASE_MAX);

	if (is_word_list(text, &cost))
		return cost / 100;
	for (size_t end = 1; end <= len; end++) {
		best[end] = best[end - 1] + character_cost(text, end - 1, any);
		for (size_t n = 2; n <= end && n <= MAX_PIECE; n++) {
			cost = piece_cost(text, end - n, n);
			if (cost < NO_COST && best[end - n] + cost < best[end])
				best[end] = best[end - n] + cost;
		}
	}
	cost = best[len];
	cb_wipe(best, sizeof(best));
	return cost / 100;
}
