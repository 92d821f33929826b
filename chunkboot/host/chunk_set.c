/* SPDX-License-Identifier: MIT */
/* A sorted array of chunks: manifests are merged into it one after the other. */
#include "host/chunk_set.h"

#include <stdlib.h>
#include <string.h>

static int compare_ids(const void *a, const void *b)
{
	return memcmp(((const struct cb_chunk *)a)->id, ((const struct cb_chunk *)b)->id,
		      CB_DIGEST_LEN);
}

static void sort_and_unite(struct cb_chunk_set *set)
{
	size_t n = 0;

	qsort(set->at, set->n, sizeof(*set->at), compare_ids);
	for (size_t i = 0; i < set->n; i++)
		if (n == 0 || compare_ids(&set->at[n - 1], &set->at[i]) != 0)
			set->at[n++] = set->at[i];
	set->n = n;
}

enum cb_err cb_chunk_set_add(struct cb_chunk_set *set, const struct cb_manifest *m,
			     struct cb_error *e)
{
	if (m->n_chunks == 0)
		return CB_OK;
	struct cb_chunk *at = reallocarray(set->at, set->n + m->n_chunks, sizeof(*at));

	if (at == NULL)
		return cb_fail(e, CB_NO_MEMORY, "list of %zu chunks", set->n + m->n_chunks);
	set->at = at;
	for (uint32_t i = 0; i < m->n_chunks; i++) {
		cb_manifest_chunk(m, i, &at[set->n]);
		set->used_raw_bytes += at[set->n++].raw_len;
	}
	set->n_used += m->n_chunks;
	sort_and_unite(set);
	return CB_OK;
}

bool cb_chunk_set_has(const struct cb_chunk_set *set, const uint8_t id[CB_DIGEST_LEN])
{
	struct cb_chunk key = { 0 };

	memcpy(key.id, id, CB_DIGEST_LEN);
	return set->n > 0 && bsearch(&key, set->at, set->n, sizeof(*set->at), compare_ids) != NULL;
}

uint64_t cb_chunk_set_raw_bytes(const struct cb_chunk_set *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < set->n; i++)
		sum += set->at[i].raw_len;
	return sum;
}

uint64_t cb_chunk_set_stored_bytes(const struct cb_chunk_set *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < set->n; i++)
		sum += set->at[i].stored_len;
	return sum;
}

void cb_chunk_set_done(struct cb_chunk_set *set)
{
	free(set->at);
	*set = (struct cb_chunk_set){ 0 };
}
