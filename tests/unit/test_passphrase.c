/* SPDX-License-Identifier: MIT */
/* Unit tests of host/passphrase.h and the word list. */
#include "testport.h"

#include <string.h>

#include "host/passphrase.h"
#include "host/words.h"

static void word_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < CB_N_WORDS; i++) {
		size_t len = strlen(cb_words[i]);

		assert_true(len >= 4 && len <= CB_WORD_MAX);
		/* letters that sit alike on QWERTY, QWERTZ and AZERTY */
		assert_int_equal(strspn(cb_words[i], "bcdefghijklnoprstuvx"), len);
		if (i > 0) {
			assert_true(strcmp(cb_words[i - 1], cb_words[i]) < 0);
			assert_true(strncmp(cb_words[i - 1], cb_words[i], 4) < 0);
		}
	}
}

static size_t index_of_word(const char *word, size_t len)
{
	for (size_t i = 0; i < CB_N_WORDS; i++)
		if (strlen(cb_words[i]) == len && memcmp(cb_words[i], word, len) == 0)
			return i;
	fail_msg("'%s' is not of the list", word);
	return 0;
}

/* Splits into words of the list; false when one occurs twice. */
static bool split(const char *text, size_t words[CB_PASSPHRASE_WORDS])
{
	bool is_distinct = true;
	unsigned n = 0;

	for (const char *p = text; *p != '\0';) {
		size_t len = strcspn(p, " ");

		assert_true(n < CB_PASSPHRASE_WORDS);
		words[n] = index_of_word(p, len);
		for (unsigned i = 0; i < n; i++)
			is_distinct &= words[i] != words[n];
		n++;
		p += len + (p[len] == ' ');
	}
	assert_int_equal(n, CB_PASSPHRASE_WORDS);
	return is_distinct;
}

static void generated(void **state)
{
	char text[CB_PASSPHRASE_MAX + 1], normal[CB_PASSPHRASE_MAX + 1];
	size_t words[CB_PASSPHRASE_WORDS];
	unsigned seen[CB_N_WORDS] = { 0 }, n_seen = 0;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		cb_passphrase_generate(text);
		assert_int_equal(cb_passphrase_normalise(cb_bytes_of(text), normal), CB_OK);
		assert_string_equal(normal, text);
		if (split(text, words))
			assert_true(cb_passphrase_bits(text) >= 70);
		for (unsigned w = 0; w < CB_PASSPHRASE_WORDS; w++)
			seen[words[w]]++;
	}
	/* 14,000 draws from 1,024: each is expected 13.7 times; a missing one has odds of 1e-3 in
	 * all, one of more than 45 of less */
	for (size_t i = 0; i < CB_N_WORDS; i++) {
		n_seen += seen[i] > 0;
		assert_true(seen[i] <= 45);
	}
	assert_true(n_seen >= CB_N_WORDS - 3);
}

static void estimates(void **state)
{
	static const struct {
		const char *text;
		unsigned min, max;
	} cases[] = {
		{ "", 0, 0 },
		{ "x", 1, 7 },
		{ "password", 5, 12 },
		{ "Password1", 8, 20 },
		{ "P@ssw0rd2024", 10, 30 },
		{ "Tr0ub4dor&3", 15, 40 },
		{ "aaaaaaaaaaaaaaaaaaaaaaaa", 4, 20 },
		{ "abababababababababababab", 4, 20 },
		{ "abcdefghijklmnopqrstuvwxyz", 4, 15 },
		{ "zyxwvutsrqponm", 4, 15 },
		{ "1234567890", 4, 15 },
		{ "qwertzuiop", 4, 15 },
		{ "qwertyuiopasdfghjkl", 8, 30 },
		{ "24.12.1957", 8, 20 },
		{ "24121957", 8, 20 },
		{ "1984", 5, 12 },
		{ "iloveyouiloveyouiloveyou", 5, 25 },
		{ "chunkboot", 5, 12 },
		{ "correct horse battery staple", 20, 59 },
		{ "summer holiday 2024!", 20, 59 },
		{ "stone stone stone stone stone stone stone", 10, 40 },
		{ "stone print filter orchid copper bridge tunnel", 60, 110 },
		{ "x8Kq!v2Lz#9w", 60, 90 },
		{ "9f86d081884c7d659a2feaa0c55ad015", 60, 170 },
		{ "fkqjxzvbnwpdgkhtrs", 60, 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned bits = cb_passphrase_bits(cases[i].text);

		if (bits < cases[i].min || bits > cases[i].max)
			fail_msg("'%s': %u bits, not %u..%u", cases[i].text, bits, cases[i].min,
				 cases[i].max);
	}
}

/* More text is hardly less work (it may turn into a word), and every printable character is taken. */
static void growing(void **state)
{
	struct testport_rng rng = { .state = 7 };
	char text[CB_PASSPHRASE_MAX + 1] = "";
	unsigned before = 0;

	(void)state;
	for (size_t n = 0; n < CB_PASSPHRASE_MAX; n++) {
		text[n] = (char)(' ' + testport_below(&rng, 95));
		unsigned bits = cb_passphrase_bits(text);

		assert_true(bits + 10 >= before);
		before = bits;
	}
	assert_true(before > 1000);
	for (char c = ' '; c <= '~'; c++) {
		memset(text, c, CB_PASSPHRASE_MAX);
		assert_true(cb_passphrase_bits(text) < CB_PASSPHRASE_MIN_BITS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(word_list),
		cmocka_unit_test(generated),
		cmocka_unit_test(estimates),
		cmocka_unit_test(growing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
