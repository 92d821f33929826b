/* SPDX-License-Identifier: MIT */
/* Texts for people, put together in a fixed buffer. */
#include "format.h"

#include <string.h>

static void put(struct cb_fmt *t, char c)
{
	if (t->len + 1 < CB_FMT_MAX)
		t->buf[t->len++] = c;
}

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Length of the UTF-8 character at p, 0 when it is none we show (RFC 3629; BMP only). */
static size_t character_len(const uint8_t *p, size_t left)
{
	if (p[0] >= 0x20 && p[0] < 0x7f)
		return 1;
	/* 0xc2 0x80..0x9f are control characters. */
	if (p[0] >= 0xc2 && p[0] < 0xe0 && left >= 2 && is_continuation(p[1]))
		return p[0] == 0xc2 && p[1] < 0xa0 ? 0 : 2;
	if (p[0] >= 0xe0 && p[0] < 0xf0 && left >= 3 && is_continuation(p[1]) &&
	    is_continuation(p[2])) {
		bool is_overlong = p[0] == 0xe0 && p[1] < 0xa0;
		bool is_surrogate = p[0] == 0xed && p[1] >= 0xa0;

		return is_overlong || is_surrogate ? 0 : 3;
	}
	return 0;
}

/* Appends one character of s and returns how many bytes it took. */
static size_t put_character(struct cb_fmt *t, struct cb_bytes s)
{
	size_t n = character_len(s.p, s.len);

	if (n == 0) {
		put(t, '?');
		return 1;
	}
	if (t->len + n < CB_FMT_MAX)
		for (size_t i = 0; i < n; i++)
			put(t, (char)s.p[i]);
	return n;
}

void cb_fmt_bytes(struct cb_fmt *t, struct cb_bytes s)
{
	while (s.len) {
		size_t n = put_character(t, s);

		s.p += n;
		s.len -= n;
	}
}

void cb_fmt_str(struct cb_fmt *t, const char *s)
{
	cb_fmt_bytes(t, (struct cb_bytes){ (const uint8_t *)s, strlen(s) });
}

size_t cb_fmt_width(struct cb_bytes s)
{
	size_t width = 0;

	while (s.len) {
		size_t n = character_len(s.p, s.len);

		n = n ? n : 1;
		s.p += n;
		s.len -= n;
		width++;
	}
	return width;
}

void cb_fmt_cut(struct cb_fmt *t, struct cb_bytes s, size_t max)
{
	bool is_long = cb_fmt_width(s) > max;
	size_t n_left = is_long && max > 3 ? max - 3 : max;

	for (; s.len && n_left; n_left--) {
		size_t n = put_character(t, s);

		s.p += n;
		s.len -= n;
	}
	if (is_long && max > 3)
		cb_fmt_str(t, "...");
}

void cb_fmt_uint(struct cb_fmt *t, uint64_t n)
{
	char digits[21] = "";
	size_t at = sizeof(digits) - 1;

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	cb_fmt_str(t, &digits[at]);
}

static void put_padded(struct cb_fmt *t, uint64_t n, unsigned width)
{
	uint64_t limit = 10;

	for (unsigned i = 1; i < width; i++, limit *= 10)
		if (n < limit)
			put(t, '0');
	cb_fmt_uint(t, n);
}

/* A unit: 10^(3 * exponent) bytes. */
static unsigned unit_for(uint64_t n_bytes)
{
	unsigned exponent = 0;

	for (; n_bytes >= 1000 && exponent < 4; n_bytes /= 1000)
		exponent++;
	return exponent;
}

static void put_in_unit(struct cb_fmt *t, uint64_t n_bytes, unsigned exponent)
{
	uint64_t unit = 1, whole, rest;

	for (unsigned i = 0; i < exponent; i++)
		unit *= 1000;
	whole = n_bytes / unit;
	rest = n_bytes % unit;
	cb_fmt_uint(t, whole);
	if (exponent == 0 || whole >= 100)
		return;
	put(t, '.');
	if (whole >= 10)
		put_padded(t, rest / (unit / 10), 1);
	else
		put_padded(t, rest / (unit / 100), 2);
}

static void put_unit(struct cb_fmt *t, unsigned exponent)
{
	static const char *const names[] = { " B", " kB", " MB", " GB", " TB" };

	cb_fmt_str(t, names[exponent]);
}

void cb_fmt_size(struct cb_fmt *t, uint64_t n_bytes)
{
	put_in_unit(t, n_bytes, unit_for(n_bytes));
	put_unit(t, unit_for(n_bytes));
}

void cb_fmt_size_of(struct cb_fmt *t, uint64_t done, uint64_t total)
{
	unsigned exponent = unit_for(total);

	put_in_unit(t, done, exponent);
	cb_fmt_str(t, " of ");
	put_in_unit(t, total, exponent);
	put_unit(t, exponent);
}

void cb_fmt_duration(struct cb_fmt *t, uint64_t seconds)
{
	if (seconds < 60) {
		cb_fmt_uint(t, seconds);
		cb_fmt_str(t, " s");
	} else if (seconds < 3600) {
		cb_fmt_uint(t, seconds / 60);
		cb_fmt_str(t, " min ");
		put_padded(t, seconds % 60, 2);
		cb_fmt_str(t, " s");
	} else {
		cb_fmt_uint(t, seconds / 3600);
		cb_fmt_str(t, " h ");
		put_padded(t, seconds / 60 % 60, 2);
		cb_fmt_str(t, " min");
	}
}

/* Days since 1970-01-01 as a date: years from March on, so that leap days come last. */
static void put_date(struct cb_fmt *t, uint64_t days)
{
	uint64_t day = days + 719468; /* since 0000-03-01 */
	uint64_t era = day / 146097, of_era = day % 146097; /* 400 years each */
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153; /* 0: March */

	put_padded(t, (unsigned)(400 * era + year + (month >= 10)), 4);
	put(t, '-');
	put_padded(t, (unsigned)(month < 10 ? month + 3 : month - 9), 2);
	put(t, '-');
	put_padded(t, (unsigned)(of_year - (153 * month + 2) / 5 + 1), 2);
}

void cb_fmt_time(struct cb_fmt *t, int64_t unix_s)
{
	uint64_t s = unix_s > 0 ? (uint64_t)unix_s : 0;

	put_date(t, s / 86400);
	put(t, ' ');
	put_padded(t, (unsigned)(s / 3600 % 24), 2);
	put(t, ':');
	put_padded(t, (unsigned)(s / 60 % 60), 2);
	cb_fmt_str(t, " UTC");
}

void cb_fmt_ipv4(struct cb_fmt *t, const uint8_t address[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			put(t, '.');
		cb_fmt_uint(t, address[i]);
	}
}

/* The longest run of at least two zero groups, the first of equals; *ret_len 0: none. */
static unsigned find_zeros(const uint8_t address[16], unsigned *ret_len)
{
	unsigned best = 0, best_len = 1, len = 0;

	for (unsigned i = 0; i < 8; i++) {
		len = address[2 * i] || address[2 * i + 1] ? 0 : len + 1;
		if (len > best_len) {
			best_len = len;
			best = i + 1 - len;
		}
	}
	*ret_len = best_len > 1 ? best_len : 0;
	return best;
}

static void put_group(struct cb_fmt *t, const uint8_t group[2])
{
	char hex[5] = "";
	unsigned skip = 0;

	cb_hex_encode(group, 2, hex);
	while (skip < 3 && hex[skip] == '0')
		skip++;
	cb_fmt_str(t, &hex[skip]);
}

void cb_fmt_ipv6(struct cb_fmt *t, const uint8_t address[16])
{
	unsigned n_zeros, zeros = find_zeros(address, &n_zeros);

	for (unsigned i = 0; i < 8; i++) {
		if (n_zeros && i == zeros) {
			cb_fmt_str(t, "::");
			i += n_zeros - 1;
			continue;
		}
		if (i && !(n_zeros && i == zeros + n_zeros))
			put(t, ':');
		put_group(t, address + 2 * (size_t)i);
	}
}

void cb_fmt_mac(struct cb_fmt *t, const uint8_t mac[6])
{
	char hex[3] = "";

	for (unsigned i = 0; i < 6; i++) {
		if (i)
			put(t, ':');
		cb_hex_encode(&mac[i], 1, hex);
		cb_fmt_str(t, hex);
	}
}

void cb_fmt_code(struct cb_fmt *t, enum cb_err err)
{
	cb_fmt_str(t, "CB-E");
	put_padded(t, cb_err_info(err)->code, 3);
	put(t, ' ');
}

const char *cb_fmt_done(struct cb_fmt *t)
{
	t->buf[t->len] = 0;
	return t->buf;
}

void cb_format_progress(struct cb_fmt *t, const struct cb_event *e, size_t columns)
{
	const char *image = e->progress.image ? e->progress.image : "";
	struct cb_fmt rest = { 0 };
	size_t width;

	cb_fmt_str(&rest, "  ");
	cb_fmt_size_of(&rest, e->progress.done_bytes, e->progress.total_bytes);
	if (e->progress.cache_bytes == 0 || e->progress.cache_bytes < e->progress.done_bytes) {
		cb_fmt_str(&rest, "  ");
		cb_fmt_size(&rest, e->progress.rate_bytes_s);
		cb_fmt_str(&rest, "/s");
	}
	if (e->progress.remaining_s != UINT32_MAX) {
		cb_fmt_str(&rest, "  ");
		cb_fmt_duration(&rest, e->progress.remaining_s);
		cb_fmt_str(&rest, " left");
	}
	if (e->progress.cache_bytes > 0) {
		cb_fmt_str(&rest, "  ");
		cb_fmt_size(&rest, e->progress.cache_bytes);
		cb_fmt_str(&rest, " were here");
	} else if (e->progress.n_mirrors > 1) {
		cb_fmt_str(&rest, "  ");
		cb_fmt_uint(&rest, e->progress.n_mirrors_up);
		cb_fmt_str(&rest, " of ");
		cb_fmt_uint(&rest, e->progress.n_mirrors);
		cb_fmt_str(&rest, " mirrors");
	}
	width = rest.len < columns ? columns - rest.len : 0;
	cb_fmt_cut(t, cb_bytes_of(image), width);
	cb_fmt_cut(t, (struct cb_bytes){ (const uint8_t *)rest.buf, rest.len }, columns);
}
