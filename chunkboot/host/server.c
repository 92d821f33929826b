/* SPDX-License-Identifier: MIT */
/* Lifecycle of the embedded web server: sockets, daemons, orderly end. */
#include "host/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/bytes.h"
#include "host/files.h"
#include "host/server_answer.h"

#define STOP_TIMEOUT_S 5
#define BACKLOG 512
#define PEM_MAX 262144 /* bytes of a certificate or key file */
/*
 * GnuTLS priorities, before the client's: the loader speaks TLS 1.2 (core/tls.h) and names P-256 first,
 * with which it works ten times as long as with X25519; AES-128 is its own first choice.
 */
#define TLS_PRIORITIES                                                                             \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:"                                              \
	"-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"                                \
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%SERVER_PRECEDENCE"

struct listener {
	struct MHD_Daemon *daemon;
	uint16_t port;
	char url[CB_SERVER_URL_MAX];
};

struct cb_server {
	struct cb_server_site site;
	struct cb_file cert, key; /* PEM; empty without TLS */
	unsigned n_listeners;
	struct listener listeners[CB_SERVER_MAX_LISTENERS];
};

/* Decimal, 0..65535. */
static bool is_port(const char *text)
{
	size_t len = strlen(text);
	return len >= 1 && len <= 5 && strspn(text, "0123456789") == len &&
		strtoul(text, NULL, 10) <= UINT16_MAX;
}

/* Splits ADDR:PORT; an empty host means every interface. */
static bool split_address(const char *text, char host[CB_SERVER_URL_MAX], char port[8])
{
	const char *colon = strrchr(text, ':');
	const char *start = text, *end = colon;
	if (colon == NULL && strspn(text, "0123456789") == strlen(text)) {
		end = text; /* a port alone */
		colon = text - 1;
	} else if (colon == NULL) {
		return false;
	}
	if (*start == '[') {
		start++;
		if (end <= start || *--end != ']')
			return false;
	} else if (end != start && memchr(start, ':', (size_t)(end - start)) != NULL) {
		return false; /* IPv6 wants brackets */
	}
	size_t host_len = (size_t)(end - start);
	if (host_len >= CB_SERVER_URL_MAX || !is_port(colon + 1))
		return false;
	memcpy(host, start, host_len);
	host[host_len] = '\0';
	memcpy(port, colon + 1, strlen(colon + 1) + 1);
	if (strcmp(host, "*") == 0)
		host[0] = '\0';
	return true;
}

static int open_socket(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			ai->ai_protocol);
	const int on = 1, off = 0;
	if (fd < 0)
		return -1;
	bool is_ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
	if (ai->ai_family == AF_INET6)
		is_ok = is_ok && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0;
	if (is_ok && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Resolves and binds; "every interface" is IPv6 with IPv4 inside where the kernel has IPv6. */
static enum cb_err bind_address(const char *text, int *ret_fd, struct cb_error *e)
{
	char host[CB_SERVER_URL_MAX], port[8];
	if (!split_address(text, host, port))
		return cb_fail(e, CB_USAGE, "--listen %s: not of the form ADDR:PORT", text);

	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *list = NULL;
	if (getaddrinfo(host[0] != '\0' ? host : "::", port, &hints, &list) != 0 &&
	    getaddrinfo(host[0] != '\0' ? host : "0.0.0.0", port, &hints, &list) != 0)
		return cb_fail(e, CB_USAGE, "--listen %s: no such address", text);
	int fd = -1;
	for (const struct addrinfo *ai = list; ai != NULL && fd < 0; ai = ai->ai_next)
		fd = open_socket(ai);
	int saved = errno;
	freeaddrinfo(list);
	if (fd < 0 && (host[0] == '\0' || strcmp(host, "::") == 0) && saved != EADDRINUSE) {
		char plain[16];
		snprintf(plain, sizeof(plain), "0.0.0.0:%s", port);
		return bind_address(plain, ret_fd, e);
	}
	errno = saved;
	if (fd < 0)
		return cb_fail_errno(e, "%s", text);
	*ret_fd = fd;
	return CB_OK;
}

static bool describe_socket(int fd, bool is_tls, struct listener *l)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	char host[INET6_ADDRSTRLEN], port[8];
	if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&addr, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return false;
	l->port = (uint16_t)strtoul(port, NULL, 10);
	snprintf(l->url, sizeof(l->url),
		 addr.ss_family == AF_INET6 ? "http%s://[%s]:%s/" : "http%s://%s:%s/",
		 is_tls ? "s" : "", host, port);
	return true;
}

static unsigned or_default(unsigned value, unsigned fallback)
{
	return value != 0 ? value : fallback;
}

static struct MHD_Daemon *start_daemon(const struct cb_server_params *p, int fd,
				       struct cb_server *s)
{
	long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n_threads =
		or_default(p->n_threads, n_processors > 2 ? (unsigned)n_processors : 2);
	unsigned n_connections = or_default(p->max_connections, CB_SERVER_DEFAULT_CONNECTIONS);
	if (n_threads > n_connections)
		n_threads = n_connections;
	struct MHD_OptionItem pool[] = {
		{ MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)n_threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert.p },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key.p },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO | MHD_USE_ITC;
	if (n_threads < 2) /* the library takes a pool of two or more */
		pool[0].option = MHD_OPTION_END;
	if (s->cert.p != NULL)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(flags, 0, NULL, NULL, cb_server_answer, &s->site,
				MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
				cb_server_completed, &s->site, MHD_OPTION_UNESCAPE_CALLBACK,
				cb_server_keep_raw, NULL, MHD_OPTION_CONNECTION_LIMIT,
				n_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
				p->max_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
				or_default(p->timeout_s, CB_SERVER_DEFAULT_TIMEOUT_S),
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CB_SERVER_HEADER_MAX,
				MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, pool,
				MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static enum cb_err add_listener(struct cb_server *s, const struct cb_server_params *p,
				const char *address, struct cb_error *e)
{
	struct listener *l = &s->listeners[s->n_listeners];
	int fd = -1;
	enum cb_err err = bind_address(address, &fd, e);
	if (err != CB_OK)
		return err;
	errno = 0;
	if (describe_socket(fd, s->cert.p != NULL, l))
		l->daemon = start_daemon(p, fd, s);
	if (l->daemon == NULL) {
		/* The library says why on stderr only; with TLS it is nearly always the files. */
		err = s->cert.p != NULL && errno == 0 ?
			cb_fail(e, CB_USAGE, "--tls %s %s: not a certificate and its key",
				p->tls_cert, p->tls_key) :
			cb_fail_errno(e, "%s", address);
		close(fd);
		return err;
	}
	s->n_listeners++;
	return CB_OK;
}

/* Each connection takes a socket and a file. */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* best effort: fewer connections without it */
}

static enum cb_err open_site(struct cb_server_site *site, const struct cb_server_params *p,
			     struct cb_error *e)
{
	site->log = p->log;
	site->root_fd = open(p->repository, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (site->root_fd < 0)
		return cb_fail_errno(e, "%s", p->repository);
	int fd = cb_server_open(site, "metadata/root.json");
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return cb_fail_errno(e, "%s/metadata/root.json", p->repository);
	if (fd < 0)
		return cb_fail(e, CB_NOT_REPOSITORY, "%s", p->repository);
	close(fd);
	return CB_OK;
}

static enum cb_err read_tls(struct cb_server *s, const struct cb_server_params *p,
			    struct cb_error *e)
{
	if (p->tls_cert == NULL)
		return CB_OK;
	enum cb_err err = cb_file_read(p->tls_cert, PEM_MAX, &s->cert, e);
	return err == CB_OK ? cb_file_read(p->tls_key, PEM_MAX, &s->key, e) : err;
}

enum cb_err cb_server_new(const struct cb_server_params *params, struct cb_server **ret,
			  struct cb_error *e)
{
	static const char *const default_listen[] = { CB_SERVER_DEFAULT_LISTEN };
	const char *const *listen = params->n_listen != 0 ? params->listen : default_listen;
	unsigned n = params->n_listen != 0 ? params->n_listen : 1;
	if (n > CB_SERVER_MAX_LISTENERS)
		return cb_fail(e, CB_USAGE, "more than %u addresses to listen on",
			       CB_SERVER_MAX_LISTENERS);
	struct cb_server *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return cb_fail(e, CB_NO_MEMORY, "server");
	pthread_mutex_init(&s->site.lock, NULL);
	pthread_cond_init(&s->site.is_idle, NULL);
	raise_file_limit();
	enum cb_err err = open_site(&s->site, params, e);
	if (err == CB_OK)
		err = read_tls(s, params, e);
	for (unsigned i = 0; i < n && err == CB_OK; i++)
		err = add_listener(s, params, listen[i], e);
	if (err != CB_OK) {
		cb_server_free(s);
		return err;
	}
	*ret = s;
	return CB_OK;
}

/* Waits until no answer is under way, or the time is over. */
static void wait_for_answers(struct cb_server_site *site)
{
	struct timespec deadline;
	int rc = 0;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += STOP_TIMEOUT_S;
	pthread_mutex_lock(&site->lock);
	while (site->n_active != 0 && rc == 0)
		rc = pthread_cond_timedwait(&site->is_idle, &site->lock, &deadline);
	pthread_mutex_unlock(&site->lock);
}

void cb_server_free(struct cb_server *s)
{
	int sockets[CB_SERVER_MAX_LISTENERS] = { 0 };
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n_listeners; i++)
		sockets[i] = MHD_quiesce_daemon(s->listeners[i].daemon);
	wait_for_answers(&s->site);
	for (unsigned i = 0; i < s->n_listeners; i++) {
		MHD_stop_daemon(s->listeners[i].daemon);
		if (sockets[i] >= 0)
			close(sockets[i]);
	}
	if (s->site.root_fd > 0)
		close(s->site.root_fd);
	cb_file_done(&s->cert);
	cb_file_done(&s->key);
	pthread_cond_destroy(&s->site.is_idle);
	pthread_mutex_destroy(&s->site.lock);
	free(s);
}

unsigned cb_server_n_listeners(const struct cb_server *s)
{
	return s->n_listeners;
}

const char *cb_server_url(const struct cb_server *s, unsigned i)
{
	return s->listeners[i].url;
}

uint16_t cb_server_port(const struct cb_server *s, unsigned i)
{
	return s->listeners[i].port;
}
