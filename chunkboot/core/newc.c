/* SPDX-License-Identifier: MIT */
/* Reads newc archives and normalises their headers. */
#include "core/newc.h"

#include <string.h>

#include "core/digest.h"

/* Offsets of the 8-digit fields behind the 6-byte magic. */
enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_FILESIZE,
	F_DEV_MAJOR,
	F_DEV_MINOR,
	F_RDEV_MAJOR,
	F_RDEV_MINOR,
	F_NAMESIZE,
	F_CHECK,
	N_FIELDS
};

#define FIELD_LEN 8u
#define MAGIC_LEN 6u
#define MODE_TYPE 0170000u
#define MODE_DIR 0040000u

/* The kernel takes digits of either case. */
static bool parse_hex(const uint8_t *p, uint32_t *ret)
{
	uint32_t v = 0;
	for (unsigned i = 0; i < FIELD_LEN; i++) {
		uint8_t c = p[i];
		uint32_t digit;
		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (uint32_t)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (uint32_t)(c - 'A') + 10;
		else
			return false;
		v = v << 4 | digit;
	}
	*ret = v;
	return true;
}

static void put_hex(uint8_t *header, enum field field, uint32_t v)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t *p = header + MAGIC_LEN + FIELD_LEN * (size_t)field;
	for (unsigned i = FIELD_LEN; i-- > 0; v >>= 4)
		p[i] = (uint8_t)digits[v & 15];
}

static bool parse_header(const uint8_t *p, uint32_t fields[N_FIELDS])
{
	if (memcmp(p, "070701", MAGIC_LEN) != 0 && memcmp(p, "070702", MAGIC_LEN) != 0)
		return false;
	for (unsigned i = 0; i < N_FIELDS; i++)
		if (!parse_hex(p + MAGIC_LEN + (size_t)FIELD_LEN * i, &fields[i]))
			return false;
	return true;
}

static void skip_zeros(struct cb_newc_reader *r)
{
	while (r->at < r->archive.len && r->archive.p[r->at] == 0)
		r->at++;
}

/*
 * Names and data end at a multiple of 4, counted from the start of their archive. The very last
 * padding may be missing.
 */
static size_t pad(const struct cb_newc_reader *r, size_t at)
{
	size_t n = (0 - (at - r->base)) & 3;
	return n <= r->archive.len - at ? at + n : r->archive.len;
}

static bool is_trailer(const struct cb_newc_entry *e)
{
	return cb_bytes_is(e->name, CB_NEWC_TRAILER);
}

/* The entry whose header is at r->at; *ret_next: where what follows it starts. */
static enum cb_err read_entry(const struct cb_newc_reader *r, struct cb_newc_entry *ret,
			      size_t *ret_next)
{
	const uint8_t *p = r->archive.p;
	uint32_t f[N_FIELDS];
	if (r->archive.len - r->at < CB_NEWC_HEADER_LEN || !parse_header(p + r->at, f))
		return CB_ARCHIVE_FORMAT;
	size_t name_at = r->at + CB_NEWC_HEADER_LEN;
	size_t name_len = f[F_NAMESIZE];
	if (name_len < 1 || name_len > CB_NEWC_MAX_NAME || name_len > r->archive.len - name_at)
		return CB_ARCHIVE_FORMAT;
	if (p[name_at + name_len - 1] != 0)
		return CB_ARCHIVE_FORMAT;
	size_t data_at = pad(r, name_at + name_len);
	if (f[F_FILESIZE] > r->archive.len - data_at)
		return CB_ARCHIVE_FORMAT;
	*ret = (struct cb_newc_entry){
		.ino = f[F_INO],
		.mode = f[F_MODE],
		.uid = f[F_UID],
		.gid = f[F_GID],
		.nlink = f[F_NLINK],
		.mtime = f[F_MTIME],
		.dev_major = f[F_DEV_MAJOR],
		.dev_minor = f[F_DEV_MINOR],
		.rdev_major = f[F_RDEV_MAJOR],
		.rdev_minor = f[F_RDEV_MINOR],
		/* Some writers align data by more than one NUL behind the name. */
		.name = cb_bytes_of((const char *)p + name_at),
		.data = { .p = p + data_at, .len = f[F_FILESIZE] },
		.header_at = r->at,
	};
	*ret_next = pad(r, data_at + f[F_FILESIZE]);
	/* The next archive may follow a trailer without padding. */
	if (is_trailer(ret) && f[F_FILESIZE] == 0)
		*ret_next = name_at + name_len;
	return CB_OK;
}

enum cb_err cb_newc_next(struct cb_newc_reader *r, struct cb_newc_entry *ret, bool *ret_is_end)
{
	struct cb_newc_reader now = *r;
	skip_zeros(&now);
	/* Whatever follows zeroes or a trailer is an archive of its own. */
	if (now.at != r->at || now.is_new)
		now.base = now.at;
	if (now.at == now.archive.len) {
		*r = now;
		*ret_is_end = true;
		return CB_OK;
	}
	struct cb_newc_entry entry;
	enum cb_err err = read_entry(&now, &entry, &now.at);
	if (err != CB_OK)
		return err;
	now.is_new = is_trailer(&entry);
	*r = now;
	*ret = entry;
	*ret_is_end = false;
	return CB_OK;
}

/* A hard-link group by its old identity, and a number taken in the archive that is open. */
struct group {
	uint32_t archive; /* the slot counts only in this archive; numbered from 1 */
	uint32_t dev_major, dev_minor, ino;
	uint32_t new_ino;
};

struct taken {
	uint32_t archive;
	uint32_t ino;
};

/* Two open-addressing tables of a power-of-two size that are at most half full. */
struct groups {
	struct group *by_id;
	struct taken *taken;
	size_t mask;
	uint32_t archive;
};

static bool is_dir(const struct cb_newc_entry *e)
{
	return (e->mode & MODE_TYPE) == MODE_DIR;
}

static bool is_group_member(const struct cb_newc_entry *e)
{
	return e->nlink >= 2 && !is_dir(e) && !is_trailer(e);
}

static size_t mix(uint32_t a, uint32_t b, uint32_t c)
{
	uint64_t h = a;
	h = (h ^ b) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 32 ^ c) * 0xd6e8feb86659fd93u;
	return (size_t)(h ^ h >> 32);
}

/* The number in its slot, or the free slot where it belongs. */
static struct taken *find_taken(struct groups *g, uint32_t ino)
{
	size_t i = mix(ino, 0, 0) & g->mask;
	while (g->taken[i].archive == g->archive && g->taken[i].ino != ino)
		i = (i + 1) & g->mask;
	return &g->taken[i];
}

/* From the path's digest, upward to the first number that is free in this archive, never 0. */
static uint32_t choose_ino(struct groups *g, struct cb_bytes path)
{
	uint8_t digest[CB_DIGEST_LEN];
	cb_blake2b_256(path, digest);
	uint32_t ino = cb_le32(digest);
	for (;; ino++) {
		struct taken *t = find_taken(g, ino);
		if (ino == 0 || t->archive == g->archive)
			continue;
		*t = (struct taken){ .archive = g->archive, .ino = ino };
		return ino;
	}
}

static uint32_t group_ino(struct groups *g, const struct cb_newc_entry *e)
{
	size_t i = mix(e->ino, e->dev_major, e->dev_minor) & g->mask;
	for (;; i = (i + 1) & g->mask) {
		struct group *slot = &g->by_id[i];
		if (slot->archive != g->archive) {
			*slot = (struct group){
				.archive = g->archive,
				.dev_major = e->dev_major,
				.dev_minor = e->dev_minor,
				.ino = e->ino,
				.new_ino = choose_ino(g, e->name),
			};
			return slot->new_ino;
		}
		if (slot->ino == e->ino && slot->dev_major == e->dev_major &&
		    slot->dev_minor == e->dev_minor)
			return slot->new_ino;
	}
}

/* Checks the whole input before a byte of it changes. */
static enum cb_err count_members(struct cb_bytes archive, size_t *ret)
{
	struct cb_newc_reader r = { .archive = archive };
	size_t n = 0;
	for (;;) {
		struct cb_newc_entry e;
		bool is_end;
		enum cb_err err = cb_newc_next(&r, &e, &is_end);
		if (err != CB_OK)
			return err;
		if (is_end)
			break;
		n += is_group_member(&e);
	}
	*ret = n;
	return CB_OK;
}

static enum cb_err groups_init(struct groups *g, const struct cb_mem *mem, size_t n_members)
{
	size_t n_slots = 2, len;
	while (n_slots / 2 < n_members)
		n_slots *= 2;
	*g = (struct groups){ .mask = n_slots - 1, .archive = 1 };
	if (!cb_mul(n_slots, sizeof(*g->by_id) + sizeof(*g->taken), &len))
		return CB_NO_MEMORY;
	g->by_id = cb_alloc_zeroed(mem, len);
	if (!g->by_id)
		return CB_NO_MEMORY;
	g->taken = (struct taken *)(void *)(g->by_id + n_slots);
	return CB_OK;
}

static void normalise_entry(struct groups *g, const struct cb_newc_entry *e, uint8_t *header)
{
	put_hex(header, F_INO, is_group_member(e) ? group_ino(g, e) : 0);
	/* libarchive would take directories of one inode number for hard links of each other. */
	if (is_dir(e) && e->nlink >= 2)
		put_hex(header, F_NLINK, 1);
	put_hex(header, F_DEV_MAJOR, 0);
	put_hex(header, F_DEV_MINOR, 0);
}

enum cb_err cb_newc_normalise(const struct cb_mem *mem, uint8_t *archive, size_t len)
{
	struct cb_newc_reader r = { .archive = { .p = archive, .len = len } };
	struct groups g;
	size_t n_members;
	enum cb_err err = count_members(r.archive, &n_members);
	if (err == CB_OK)
		err = groups_init(&g, mem, n_members);
	if (err != CB_OK)
		return err;
	for (;;) {
		struct cb_newc_entry e;
		bool is_end;
		err = cb_newc_next(&r, &e, &is_end);
		if (err != CB_OK || is_end)
			break;
		normalise_entry(&g, &e, archive + e.header_at);
		/* A trailer ends what hard links may refer to, as it does in the kernel. */
		if (is_trailer(&e))
			g.archive++;
	}
	cb_free(mem, g.by_id);
	return err;
}

enum cb_err cb_newc_clear_directory_times(uint8_t *archive, size_t len)
{
	struct cb_newc_reader r = { .archive = { .p = archive, .len = len } };
	size_t n_members;
	enum cb_err err = count_members(r.archive, &n_members);
	while (err == CB_OK) {
		struct cb_newc_entry e;
		bool is_end;
		err = cb_newc_next(&r, &e, &is_end);
		if (err != CB_OK || is_end)
			break;
		if (is_dir(&e))
			put_hex(archive + e.header_at, F_MTIME, 0);
	}
	return err;
}
