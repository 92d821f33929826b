/* SPDX-License-Identifier: MIT */
/* The primitives that we call against Wycheproof's files (CB_VECTORS or ../shared/vectors) and the standards. */
#include "testport.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"

#define FILE_NAME_MAX 4096

/* A vector's bytes; freed with it. */
struct bytes {
	uint8_t data[ANSWER_MESSAGE_MAX];
	size_t len;
};

static struct cb_bytes field(json_t *object, const char *name, struct bytes *out)
{
	const char *hex = json_string_value(json_object_get(object, name));

	out->len = hex ? testport_hex(hex, out->data, sizeof(out->data)) : 0;
	return (struct cb_bytes){ out->data, out->len };
}

static json_t *load(const char *name)
{
	const char *top = getenv("CB_VECTORS");
	char path[FILE_NAME_MAX];
	json_error_t why;

	snprintf(path, sizeof(path), "%s/wycheproof/%s", top ? top : "../shared/vectors", name);
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	json_t *root = json_loadf(file, 0, &why);
	fclose(file);
	if (!root)
		fail_msg("%s: %s", path, why.text);
	return root;
}

static bool is_valid(json_t *test)
{
	const char *result = json_string_value(json_object_get(test, "result"));

	assert_non_null(result);
	/* A file with "acceptable" vectors would want a decision for each: none of ours has any. */
	assert_true(strcmp(result, "valid") == 0 || strcmp(result, "invalid") == 0);
	return strcmp(result, "valid") == 0;
}

static unsigned vector_id(json_t *test)
{
	return (unsigned)json_integer_value(json_object_get(test, "tcId"));
}

static bool ed25519_agrees(json_t *group, json_t *test)
{
	static struct bytes key, msg, sig;

	return answer_agrees(&(struct answer_vector){
		.kind = ANSWER_ED25519,
		.is_valid = is_valid(test),
		.key = field(json_object_get(group, "publicKey"), "pk", &key),
		.msg = field(test, "msg", &msg),
		.sealed = field(test, "sig", &sig),
	});
}

static bool xchacha_agrees(json_t *group, json_t *test)
{
	static struct bytes key, nonce, aad, msg, sealed, tag;

	(void)group;
	field(test, "ct", &sealed);
	field(test, "tag", &tag);
	assert_true(sealed.len + tag.len <= sizeof(sealed.data));
	memcpy(sealed.data + sealed.len, tag.data, tag.len);
	return answer_agrees(&(struct answer_vector){
		.kind = ANSWER_XCHACHA20_POLY1305,
		.is_valid = is_valid(test),
		.key = field(test, "key", &key),
		.nonce = field(test, "iv", &nonce),
		.aad = field(test, "aad", &aad),
		.msg = field(test, "msg", &msg),
		.sealed = { sealed.data, sealed.len + tag.len },
	});
}

static void run_file(const char *name, bool (*agrees)(json_t *group, json_t *test))
{
	json_t *root = load(name), *group, *test;
	json_int_t n = 0, n_wrong = 0;
	size_t i, j;

	if (!root) {
		print_message("no %s in CB_VECTORS or ../shared/vectors\n", name);
		skip();
	}
	json_array_foreach(json_object_get(root, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), j, test)
	{
		n++;
		if (agrees(group, test))
			continue;
		n_wrong++;
		print_error("%s: vector %u is taken for the other thing\n", name, vector_id(test));
	}
	json_int_t n_want = json_integer_value(json_object_get(root, "numberOfTests"));
	json_decref(root);
	print_message("%s: %d vectors\n", name, (int)n);
	assert_int_equal(n, n_want);
	assert_int_equal(n_wrong, 0);
}

static void wycheproof_ed25519(void **state)
{
	(void)state;
	run_file("ed25519_test.json", ed25519_agrees);
}

static void wycheproof_xchacha20_poly1305(void **state)
{
	(void)state;
	run_file("xchacha20_poly1305_test.json", xchacha_agrees);
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wycheproof_ed25519),
		cmocka_unit_test(wycheproof_xchacha20_poly1305),
		cmocka_unit_test(standards),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
