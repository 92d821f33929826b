/* SPDX-License-Identifier: MIT */
/* Measures the cache on a file: opening one with many records, filling, reading. One line of JSON each. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/cache_internal.h"
#include "host/cache_file.h"
#include "host/heap.h"

#define N_RECORDS 500000u
#define OPEN_LEN (64ull << 30)
#define FILL_LEN (1ull << 30)
#define CHUNK_LEN 102400u
#define N_FILL 6000u

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* An empty cache in a sparse file. */
static void make_sparse(const char *path, uint64_t len)
{
	const struct cb_cache_create how = { .path = path };
	struct cb_error e = { 0 };
	uint64_t made;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)len) != 0)
		die(path);
	close(fd);
	if (cb_cache_file_create(&how, &made, &e) != CB_OK)
		die(e.text);
}

static void open_file(const char *path, struct cb_cache_file *f)
{
	struct cb_error e = { 0 };

	*f = (struct cb_cache_file){ 0 };
	if (cb_cache_file_open(path, /*is_writer=*/true, f, &e) != CB_OK)
		die(e.text);
}

static void fill_key(uint64_t i, uint8_t key[CB_DIGEST_LEN])
{
	cb_blake2b_256((struct cb_bytes){ (const uint8_t *)&i, sizeof i }, key);
}

/* Tables as if every segment were full; the records themselves are holes. */
static void write_tables(struct cb_cache_file *f)
{
	const struct cb_cache_layout *l = &f->cache->layout;
	uint32_t per = N_RECORDS / l->n_segments + 1, n_left = N_RECORDS;
	struct cb_cache_entry *entries = calloc(per, sizeof *entries);
	uint8_t *bytes = malloc((size_t)l->table_pages * CB_CACHE_PAGE);
	uint32_t pages = l->segment_pages / per;

	for (uint32_t s = 0; s < l->n_segments; s++) {
		struct cb_cache_segment segment = { entries, n_left < per ? n_left : per, 1 + s };
		for (uint32_t i = 0; i < segment.n; i++) {
			entries[i] = (struct cb_cache_entry){ .page = i * pages,
							      .len = pages * CB_CACHE_PAGE - 100,
							      .kind = CB_CACHE_CHUNK };
			fill_key((uint64_t)s << 32 | i, entries[i].key);
		}
		n_left -= segment.n;
		cb_cache_write_table(l, s, &segment, bytes);
		if (pwrite(f->fd - 1, bytes, (size_t)l->table_pages * CB_CACHE_PAGE,
			   (off_t)((l->tables_page + (uint64_t)s * l->table_pages) *
				   CB_CACHE_PAGE)) < 0)
			die("pwrite");
	}
	fdatasync(f->fd - 1);
	posix_fadvise(f->fd - 1, 0, 0, POSIX_FADV_DONTNEED);
	free(entries);
	free(bytes);
}

static void measure_open(const char *path)
{
	struct cb_cache_file f;
	struct cb_cache_stats s;

	make_sparse(path, OPEN_LEN);
	open_file(path, &f);
	write_tables(&f);
	cb_cache_file_done(&f);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t begin = now_us();
		open_file(path, &f);
		uint64_t us = now_us() - begin;
		cb_cache_stats(f.cache, &s);
		printf("{\"what\":\"open\",\"records\":%u,\"reads\":%u,\"read_bytes\":%ju,\"ms\":%ju}\n",
		       s.n_records[CB_CACHE_CHUNK], s.n_reads, (uintmax_t)s.read_bytes,
		       (uintmax_t)us / 1000);
		cb_cache_file_done(&f);
	}
}

static void report(const char *what, uint64_t us)
{
	uint64_t bytes = (uint64_t)N_FILL * CHUNK_LEN;

	printf("{\"what\":\"%s\",\"chunk_bytes\":%u,\"bytes\":%ju,\"ms\":%ju,\"mb_s\":%ju}\n", what,
	       CHUNK_LEN, (uintmax_t)bytes, (uintmax_t)us / 1000, (uintmax_t)(bytes / us));
}

static void measure_rates(const char *path)
{
	static uint8_t chunk[CHUNK_LEN], buf[CHUNK_LEN + CB_CACHE_PAGE];
	struct cb_cache_file f;
	struct cb_cache_reading r;
	uint8_t key[CB_DIGEST_LEN];

	make_sparse(path, FILL_LEN);
	open_file(path, &f);
	uint64_t begin = now_us();
	for (uint64_t i = 0; i < N_FILL; i++) {
		fill_key(i, key);
		memcpy(chunk, key, sizeof key);
		if (!cb_cache_append(f.cache, CB_CACHE_CHUNK, key,
				     (struct cb_bytes){ chunk, sizeof chunk }))
			die("append");
	}
	if (!cb_cache_commit(f.cache))
		die("commit");
	report("fill", now_us() - begin);
	posix_fadvise(f.fd - 1, 0, 0, POSIX_FADV_DONTNEED);
	for (unsigned ahead = 0; ahead < 2; ahead++) {
		cb_cache_look_ahead(f.cache, ahead);
		begin = now_us();
		for (uint64_t i = 0; i < N_FILL; i++) {
			enum cb_cache_progress progress;
			fill_key(i, key);
			if (!cb_cache_find(f.cache, CB_CACHE_CHUNK, key, &r))
				die("find");
			while ((progress = cb_cache_read(f.cache, &r, buf)) == CB_CACHE_AGAIN)
				;
			if (progress != CB_CACHE_DONE || memcmp(buf, key, sizeof key) != 0)
				die("read");
		}
		report(ahead ? "read, looking ahead, in memory" : "read, from the device",
		       now_us() - begin);
	}
	cb_cache_file_done(&f);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	measure_open(argv[1]);
	measure_rates(argv[1]);
	unlink(argv[1]);
	return 0;
}
