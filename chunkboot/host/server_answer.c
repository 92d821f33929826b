/* SPDX-License-Identifier: MIT */
/* One request: find the file, answer it (RFC 9110), write the access log. */
#include "host/server_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/digest.h"
#include "host/webpath.h"

#define ETAG_BYTES 12
#define DATE_MAX 40
#define LOG_URL_MAX 512
#define RECORD_LEN 16384 /* bytes in a TLS record at most (RFC 8446 §5.1) */

/* What the log wants to know about a request when it is over. */
struct request {
	unsigned status;
	uint64_t body_len;
	char method[12];
	char url[LOG_URL_MAX]; /* escaped for the log */
};

/* A file about to be sent. */
struct file {
	int fd;
	uint64_t len;
	bool is_immutable;
	char etag[2 * ETAG_BYTES + 3];
	char date[DATE_MAX];
	const char *type;
};

int cb_server_open(const struct cb_server_site *site, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	return (int)syscall(SYS_openat2, site->root_fd, path, &how, sizeof(how));
}

size_t cb_server_keep_raw(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

/* ---- Access log ---- */

/* A URL goes to terminals and log readers: everything but plain characters is escaped. */
static void escape_url(const char *url, char out[LOG_URL_MAX])
{
	size_t at = 0;
	for (; *url != '\0' && at + 5 < LOG_URL_MAX; url++) {
		unsigned char c = (unsigned char)*url;
		if (c > 0x20 && c < 0x7f && c != '"' && c != '\\')
			out[at++] = (char)c;
		else
			at += (size_t)snprintf(out + at, 5, "\\x%02x", c);
	}
	out[at] = '\0';
}

static void client_address(struct MHD_Connection *connection, char out[NI_MAXHOST])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	socklen_t len = sizeof(struct sockaddr_in);
	memcpy(out, "-", 2);
	if (info == NULL || info->client_addr == NULL)
		return;
	if (info->client_addr->sa_family == AF_INET6)
		len = sizeof(struct sockaddr_in6);
	if (getnameinfo(info->client_addr, len, out, NI_MAXHOST, NULL, 0, NI_NUMERICHOST) != 0)
		memcpy(out, "-", 2);
	if (strncmp(out, "::ffff:", 7) == 0) /* IPv4 on the dual-stack socket */
		memmove(out, out + 7, strlen(out + 7) + 1);
}

static void write_log(const struct cb_server_site *site, struct MHD_Connection *connection,
		      const struct request *r, enum MHD_RequestTerminationCode why)
{
	char address[NI_MAXHOST], stamp[DATE_MAX];
	struct tm tm;
	time_t now = time(NULL);
	client_address(connection, address);
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%d/%b/%Y:%H:%M:%S +0000", &tm);
	fprintf(site->log, "%s - - [%s] \"%s %s HTTP/1.1\" %u %llu%s\n", address, stamp, r->method,
		r->url, r->status, (unsigned long long)r->body_len,
		why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : " aborted");
}

static struct request *begin_request(struct cb_server_site *site, const char *method,
				     const char *url)
{
	struct request *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	escape_url(method, r->url); /* as scratch: methods are the client's choice, too */
	snprintf(r->method, sizeof(r->method), "%.11s", r->url);
	escape_url(url, r->url);
	pthread_mutex_lock(&site->lock);
	site->n_active++;
	pthread_mutex_unlock(&site->lock);
	return r;
}

void cb_server_completed(void *cls, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode why)
{
	struct cb_server_site *site = cls;
	if (*request == NULL)
		return;
	if (site->log != NULL)
		write_log(site, connection, *request, why);
	free(*request);
	*request = NULL;
	pthread_mutex_lock(&site->lock);
	if (--site->n_active == 0)
		pthread_cond_broadcast(&site->is_idle);
	pthread_mutex_unlock(&site->lock);
}

/* ---- Answers ---- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	/* Out of memory: the answer goes out without this header, which is still a valid one. */
	(void)MHD_add_response_header(response, name, value);
}

/* Queues and releases the response. */
static enum MHD_Result send_response(struct MHD_Connection *connection, struct request *r,
				     unsigned status, struct MHD_Response *response)
{
	if (response == NULL)
		return MHD_NO;
	r->status = status;
	enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_error(struct MHD_Connection *connection, struct request *r,
				  unsigned status, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
		return MHD_NO;
	r->body_len = strlen(text);
	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		add_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	return send_response(connection, r, status, response);
}

static enum MHD_Result send_open_error(struct MHD_Connection *connection, struct request *r,
				       int number)
{
	switch (number) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN: /* openat2: the tree changed while it was looked at */
		return send_error(connection, r, MHD_HTTP_SERVICE_UNAVAILABLE, "busy\n");
	case EACCES:
	case EPERM:
		return send_error(connection, r, MHD_HTTP_FORBIDDEN, "not readable\n");
	case EIO:
		return send_error(connection, r, MHD_HTTP_INTERNAL_SERVER_ERROR, "read error\n");
	default: /* ENOENT, ENOTDIR, ELOOP, EXDEV (a link out of the tree), ENAMETOOLONG */
		return send_error(connection, r, MHD_HTTP_NOT_FOUND, "no such file\n");
	}
}

/*
 * Entity tag: immutable files are known by name and length; the others by inode, time and length
 * as well, since each new version is a new file that replaces the old one.
 */
static void make_etag(const char *path, const struct stat *st, struct file *f)
{
	uint8_t version[8 * 4] = { 0 }, digest[ETAG_BYTES];
	struct cb_blake2b hash;
	cb_put_le64(version, (uint64_t)st->st_size);
	if (!f->is_immutable) {
		cb_put_le64(version + 8, (uint64_t)st->st_mtim.tv_sec);
		cb_put_le64(version + 16, (uint64_t)st->st_mtim.tv_nsec);
		cb_put_le64(version + 24, (uint64_t)st->st_ino);
	}
	cb_blake2b_init(&hash, sizeof(digest), NULL, 0);
	cb_blake2b_update(&hash, version, sizeof(version));
	cb_blake2b_update(&hash, path, strlen(path));
	cb_blake2b_final(&hash, digest);
	f->etag[0] = '"';
	cb_hex_encode(digest, sizeof(digest), f->etag + 1);
	memcpy(f->etag + 1 + 2 * ETAG_BYTES, "\"", 2);
}

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);
	return len >= end_len && strcmp(s + len - end_len, end) == 0;
}

/* False with errno when there is no such regular file. */
static bool open_file(const struct cb_server_site *site, const char *path, struct file *ret)
{
	struct stat st;
	struct tm tm;
	struct file f = { .fd = cb_server_open(site, path) };
	if (f.fd < 0)
		return false;
	if (fstat(f.fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(f.fd);
		errno = ENOENT;
		return false;
	}
	f.len = (uint64_t)st.st_size;
	f.is_immutable = cb_webpath_is_immutable(path);
	make_etag(path, &st, &f);
	gmtime_r(&st.st_mtim.tv_sec, &tm);
	strftime(f.date, sizeof(f.date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	f.type = ends_with(path, ".json") ? "application/json" : "application/octet-stream";
	*ret = f;
	return true;
}

static void add_file_headers(struct MHD_Response *response, const struct file *f)
{
	add_header(response, MHD_HTTP_HEADER_ETAG, f->etag);
	add_header(response, MHD_HTTP_HEADER_LAST_MODIFIED, f->date);
	add_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
		   f->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
}

/* RFC 9110 §13.2.2: If-None-Match decides where it is there, else If-Modified-Since. */
static bool is_unchanged(struct MHD_Connection *connection, const struct file *f)
{
	const char *tags = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_IF_NONE_MATCH);
	const char *since = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							MHD_HTTP_HEADER_IF_MODIFIED_SINCE);
	if (tags != NULL)
		return cb_webetag_matches(tags, f->etag);
	return since != NULL && strcmp(since, f->date) == 0;
}

static const char *wanted_range(struct MHD_Connection *connection, const struct file *f)
{
	const char *range =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);
	const char *condition =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_RANGE);
	if (condition != NULL && strcmp(condition, f->etag) != 0 && strcmp(condition, f->date) != 0)
		return NULL;
	return range;
}

static enum MHD_Result send_unsatisfiable(struct MHD_Connection *connection, struct request *r,
					  const struct file *f)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	char range[64];
	close(f->fd);
	if (response == NULL)
		return MHD_NO;
	snprintf(range, sizeof(range), "bytes */%llu", (unsigned long long)f->len);
	add_file_headers(response, f);
	add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	return send_response(connection, r, MHD_HTTP_RANGE_NOT_SATISFIABLE, response);
}

/* The library asks for one piece after the other: the file's own position will do. */
static ssize_t read_on(void *fd, uint64_t pos, char *buf, size_t max)
{
	(void)pos;
	ssize_t n = read((int)(intptr_t)fd, buf, max);
	return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void close_file(void *fd)
{
	close((int)(intptr_t)fd);
}

/* For TLS: the library's own reader of files would make records of 4 KiB, each with its overhead. */
static struct MHD_Response *respond_in_records(int fd, uint64_t first, uint64_t n)
{
	if (lseek(fd, (off_t)first, SEEK_SET) < 0)
		return NULL;
	return MHD_create_response_from_callback(n, RECORD_LEN, read_on, (void *)(intptr_t)fd,
						 close_file);
}

/* `n` bytes from `first`; the library leaves the body out where HEAD or 304 want none. */
static enum MHD_Result send_file(struct MHD_Connection *connection, struct request *r,
				 unsigned status, const struct file *f, uint64_t first, uint64_t n)
{
	const union MHD_ConnectionInfo *tls =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	struct MHD_Response *response = tls != NULL ?
		respond_in_records(f->fd, first, n) :
		MHD_create_response_from_fd_at_offset64(n, f->fd, first);
	if (response == NULL) {
		close(f->fd);
		return MHD_NO;
	}
	add_file_headers(response, f);
	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, f->type);
	if (status == MHD_HTTP_PARTIAL_CONTENT) {
		char range[96];
		snprintf(range, sizeof(range), "bytes %llu-%llu/%llu", (unsigned long long)first,
			 (unsigned long long)(first + n - 1), (unsigned long long)f->len);
		add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	}
	bool has_no_body =
		status == MHD_HTTP_NOT_MODIFIED || strcmp(r->method, MHD_HTTP_METHOD_HEAD) == 0;
	r->body_len = has_no_body ? 0 : n;
	return send_response(connection, r, status, response);
}

static enum MHD_Result answer_file(struct MHD_Connection *connection, struct request *r,
				   const struct file *f)
{
	uint64_t first, n;
	if (is_unchanged(connection, f))
		return send_file(connection, r, MHD_HTTP_NOT_MODIFIED, f, 0, f->len);
	switch (cb_webrange_parse(wanted_range(connection, f), f->len, &first, &n)) {
	case CB_WEBRANGE_UNSATISFIABLE:
		return send_unsatisfiable(connection, r, f);
	case CB_WEBRANGE_PART:
		return send_file(connection, r, MHD_HTTP_PARTIAL_CONTENT, f, first, n);
	default:
		return send_file(connection, r, MHD_HTTP_OK, f, 0, f->len);
	}
}

static bool has_body(struct MHD_Connection *connection)
{
	const char *len = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						      MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (len != NULL && strcmp(len, "0") != 0)
		return true;
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					   MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature has eight parameters */
enum MHD_Result cb_server_answer(void *cls, struct MHD_Connection *connection, const char *url,
				 const char *method, const char *version, const char *upload_data,
				 size_t *upload_len, void **request)
{
	struct cb_server_site *site = cls;
	char path[CB_WEBPATH_MAX + 1];
	struct file f;
	(void)version;
	(void)upload_data;
	(void)upload_len;
	if (*request == NULL) {
		*request = begin_request(site, method, url);
		if (*request == NULL)
			return MHD_NO;
		/* An answer to the first call closes the connection: right only before a body. */
		if (!has_body(connection))
			return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_error(connection, *request, MHD_HTTP_METHOD_NOT_ALLOWED,
				  "only GET and HEAD\n");
	switch (cb_webpath_decode(url, path)) {
	case CB_WEBPATH_MALFORMED:
		return send_error(connection, *request, MHD_HTTP_BAD_REQUEST, "malformed path\n");
	case CB_WEBPATH_HIDDEN:
		return send_error(connection, *request, MHD_HTTP_NOT_FOUND, "no such file\n");
	default:
		break;
	}
	if (!open_file(site, path, &f))
		return send_open_error(connection, *request, errno);
	return answer_file(connection, *request, &f);
}
