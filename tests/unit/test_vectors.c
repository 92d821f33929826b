/* SPDX-License-Identifier: MIT */
/* The primitives that we call against Wycheproof's files (CB_VECTORS or ../shared/vectors) and the standards. */
#include "testport.h"

#include <sodium.h>

#include "vectors.h"

static void wycheproof(void **state)
{
	enum answer_file file = *(const enum answer_file *)*state;
	struct answer_score score = { 0 };

	if (n_vectors_of[file] == 0) {
		print_message("%s: was not in CB_VECTORS or ../shared/vectors at build time\n",
			      answer_title(file));
		skip();
	}
	if (!answer_is_possible(file)) {
		print_message("%s: the loader does not offer it on this processor\n",
			      answer_title(file));
		skip();
	}
	for (unsigned i = 0; i < n_vectors; i++)
		if (vectors[i].file == file && !answer_agrees(&vectors[i], &score))
			print_error("%s: vector %u (%s) is taken for the other thing\n",
				    answer_title(file), vectors[i].id, vectors[i].flags);
	print_message("%s: %u vectors\n", answer_title(file), score.n);
	for (unsigned i = 0; i < n_answer_classes; i++)
		if (answer_classes[i].file == file)
			print_message("  %u of %u %s, %s: %s\n", score.n_class[i],
				      answer_classes[i].n, answer_classes[i].flag,
				      answer_classes[i].is_taken ? "taken" : "refused",
				      answer_classes[i].why);
	assert_int_equal(score.n, n_vectors_of[file]);
	assert_true(answer_score_is_good(file, &score));
}

static void standards(void **state)
{
	(void)state;
	for (unsigned i = 0; i < n_answer_groups; i++)
		if (!answer_groups[i].agrees())
			fail_msg("%s", answer_groups[i].name);
}

int main(void)
{
	static enum answer_file files[ANSWER_FILES];
	struct CMUnitTest tests[ANSWER_FILES + 1] = { cmocka_unit_test(standards) };

	if (sodium_init() < 0)
		return 1;
	for (unsigned i = 0; i < ANSWER_FILES; i++) {
		files[i] = (enum answer_file)i;
		tests[i + 1] = (struct CMUnitTest)cmocka_unit_test_prestate(wycheproof, &files[i]);
		tests[i + 1].name = answer_title(files[i]);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
