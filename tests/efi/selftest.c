/* SPDX-License-Identifier: MIT */
/* A UEFI application of the loader's own objects: the primitives against published answers, then power off. */
#include "alloc.h"
#include "clock.h"
#include "core/text.h"
#include "guard.h"
#include "libsodium.h"
#include "random.h"
#include "uefi.h"
#include "vectors.h"

#define LINE_MAX 120u

struct score {
	unsigned n_passed, n_failed;
};

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
	__attribute__((no_stack_protector));

static void say(const char *text)
{
	CHAR16 wide[LINE_MAX];

	cb_uefi_widen(text, wide, LINE_MAX);
	cb_uefi.st->ConOut->OutputString(cb_uefi.st->ConOut, wide);
}

/* "ok NAME" or "not ok NAME", with a number behind it unless it is 0. */
static void report(struct score *score, bool is_ok, const char *name, unsigned n)
{
	char line[LINE_MAX];
	struct cb_text t = cb_text_of(line, sizeof(line));

	cb_text_put(&t, is_ok ? "ok " : "not ok ");
	cb_text_put(&t, name);
	if (n > 0) {
		cb_text_put(&t, " ");
		cb_text_put_u64(&t, n);
	}
	cb_text_put(&t, "\r\n");
	say(line);
	if (is_ok)
		score->n_passed++;
	else
		score->n_failed++;
}

static void run_groups(struct score *score)
{
	for (unsigned i = 0; i < n_answer_groups; i++)
		report(score, answer_groups[i].agrees(), answer_groups[i].name, 0);
}

/* Each vector that fails by its number, then one line for the file. */
static void run_vectors(struct score *score, enum answer_file file)
{
	static struct answer_score got;

	if (n_vectors_of[file] == 0 || !answer_is_possible(file)) {
		say("skip ");
		say(answer_title(file));
		say(n_vectors_of[file] ? ": no AES instructions here\r\n" :
					 ": no vectors at build time\r\n");
		return;
	}
	got = (struct answer_score){ 0 };
	for (unsigned i = 0; i < n_vectors; i++)
		if (vectors[i].file == file && !answer_agrees(&vectors[i], &got))
			report(score, false, answer_title(file), vectors[i].id);
	report(score, got.n == n_vectors_of[file] && answer_score_is_good(file, &got),
	       answer_title(file), got.n);
}

static void say_score(const struct score *score)
{
	char line[LINE_MAX];
	struct cb_text t = cb_text_of(line, sizeof(line));

	cb_text_put(&t, "selftest: ");
	cb_text_put_u64(&t, score->n_passed);
	cb_text_put(&t, " passed, ");
	cb_text_put_u64(&t, score->n_failed);
	cb_text_put(&t, " failed\r\n");
	say(line);
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	struct score score = { 0 };

	if (!cb_uefi_init(image, st))
		return EFI_UNSUPPORTED;
	cb_uefi.bs->SetWatchdogTimer(0, 0, 0, NULL);
	cb_clock_init();
	cb_random_init();
	cb_guard_init();
	cb_sodium_init();
	run_groups(&score);
	for (unsigned i = 0; i < ANSWER_FILES; i++)
		run_vectors(&score, (enum answer_file)i);
	say_score(&score);
	cb_uefi.rt->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
	return EFI_SUCCESS;
}
