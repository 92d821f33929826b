/* SPDX-License-Identifier: MIT */
/* Between server.c and server_answer.c: one request, from header to log line. */
#ifndef CB_HOST_SERVER_ANSWER_H
#define CB_HOST_SERVER_ANSWER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>

/* What all listeners share. */
struct cb_server_site {
	int root_fd; /* the repository, O_PATH */
	FILE *log; /* may be NULL */
	pthread_mutex_t lock;
	pthread_cond_t is_idle;
	unsigned n_active; /* answers under way; guarded by lock */
};

/* Opens a file below the repository; -1 with errno. Never leaves the tree, whatever the links. */
int cb_server_open(const struct cb_server_site *site, const char *path);

/* Callbacks for libmicrohttpd; cls is the site. */
enum MHD_Result cb_server_answer(void *cls, struct MHD_Connection *connection, const char *url,
				 const char *method, const char *version, const char *upload_data,
				 size_t *upload_len, void **request);
void cb_server_completed(void *cls, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode why);
/* Leaves escapes in place: cb_webpath_decode is stricter than the library. */
size_t cb_server_keep_raw(void *cls, struct MHD_Connection *connection, char *text);

#endif
