/* SPDX-License-Identifier: MIT */
/* Texts for people, put together in a fixed buffer. Pure functions; nothing of the firmware. */
#ifndef CB_EFI_FORMAT_H
#define CB_EFI_FORMAT_H

#include "core/bytes.h"
#include "core/event.h"

#define CB_FMT_MAX 512

/* Zero-initialise; what does not fit is cut. */
struct cb_fmt {
	char buf[CB_FMT_MAX];
	size_t len;
};

/* Appends. Control characters and broken UTF-8 become '?'. */
void cb_fmt_str(struct cb_fmt *t, const char *s);
void cb_fmt_bytes(struct cb_fmt *t, struct cb_bytes s);
/* The same, at most max characters; a longer text ends in "...". */
void cb_fmt_cut(struct cb_fmt *t, struct cb_bytes s, size_t max);
void cb_fmt_uint(struct cb_fmt *t, uint64_t n);
/* "812 B", "45.5 MB", "1.25 GB": three digits, powers of ten. */
void cb_fmt_size(struct cb_fmt *t, uint64_t n_bytes);
/* "20.4 of 45.5 MB" */
void cb_fmt_size_of(struct cb_fmt *t, uint64_t done, uint64_t total);
/* "8 s", "2 min 05 s", "1 h 02 min" */
void cb_fmt_duration(struct cb_fmt *t, uint64_t seconds);
/* "2026-11-28 08:05 UTC"; Unix time, years 1970 to 9999. */
void cb_fmt_time(struct cb_fmt *t, int64_t unix_s);
void cb_fmt_ipv4(struct cb_fmt *t, const uint8_t address[4]);
/* As RFC 5952 writes it: lower case, the longest run of zeros as "::". */
void cb_fmt_ipv6(struct cb_fmt *t, const uint8_t address[16]);
void cb_fmt_mac(struct cb_fmt *t, const uint8_t mac[6]);
/* "CB-E105 " for an error */
void cb_fmt_code(struct cb_fmt *t, enum cb_err err);
/* The NUL-terminated text. */
const char *cb_fmt_done(struct cb_fmt *t);

/* One line of at most columns characters for a PROGRESS event. */
void cb_format_progress(struct cb_fmt *t, const struct cb_event *e, size_t columns);

/* Number of characters (code points) of UTF-8. */
size_t cb_fmt_width(struct cb_bytes s);

#endif
