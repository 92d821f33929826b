/* SPDX-License-Identifier: MIT */
/* Redirects: a repository that lives elsewhere, and single objects that do. */
#include <string.h>

#include "core/conn.h"
#include "core/job.h"
#include "core/mirror.h"

/* Length of path without the item's path at its end; 0 when it doesn't end so. */
static size_t base_len(const char *path, const char *item)
{
	size_t len = strlen(path), tail = strlen(item);

	if (tail >= len || strncmp(path + len - tail, item, tail) != 0 ||
	    path[len - tail - 1] != '/')
		return 0;
	return len - tail;
}

/* The whole repository seems to live elsewhere: later requests go there at once. */
static bool learn_base(struct cb_conn *c, const struct cb_url *to)
{
	struct cb_mirror *m = c->mirror;
	const struct cb_ask *ask = cb_conn_ask_at(c, 0);
	struct cb_fetch_item item;

	if (c->is_detour)
		return false;
	cb_job_describe(ask->job, ask->item, &item);
	size_t len = base_len(to->path, item.path);
	if (len == 0)
		return false;
	/* A connection that still leads to an older base tells nothing about the present one. */
	if (c->generation == m->generation) {
		if (++m->n_hops > CB_MIRROR_MAX_HOPS)
			return false;
		m->base = *to;
		m->is_away = true;
		m->base.path[len] = '\0';
		m->generation++;
	}
	cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
	return true;
}

void cb_mirror_go_home(struct cb_mirror *m)
{
	if (m->n_hops == 0 && !m->is_away)
		return;
	m->base = m->home;
	m->n_hops = 0;
	m->is_away = false;
	m->generation++;
}

static void refuse_redirect(struct cb_conn *c)
{
	struct cb_mirror *m = c->mirror;

	cb_mirror_go_home(m);
	cb_source_busy(&m->source, 0);
	cb_conn_end(c, CB_ANSWER_FAILED, CB_HTTP_REDIRECT);
}

/* Turns the connection into one to another place, for its first ask only. */
static void start_detour(struct cb_conn *c, const struct cb_url *to)
{
	struct cb_ask ask = *cb_conn_ask_at(c, 0);
	const struct cb_net *net = &cb_fetch_platform(c->mirror->source.fetch)->net;

	c->first = (c->first + 1) % CB_CONN_MAX_ASKS;
	c->n_asks--;
	cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
	net->close(c->stream);
	c->stream = NULL;
	c->n_expected = 0;
	c->n_out = 0;
	c->is_dead = c->is_open = false;
	c->is_detour = true;
	c->n_hops++;
	c->url = *to;
	c->opened_ms = cb_fetch_now(c->mirror->source.fetch);
	c->mode = CB_CONN_BETWEEN;
	cb_url_authority(&c->url, c->authority);
	cb_http_init(&c->http);
	enum cb_err err = cb_conn_ask(c, &ask, "", /*is_no_cache=*/false);
	if (err != CB_OK)
		(void)cb_fetch_answer(&c->mirror->source, &ask, CB_ANSWER_FAILED, CB_HTTP_REDIRECT,
				      NULL);
	else
		err = net->open(net->ctx, &c->url.endpoint, &c->stream);
	if (err != CB_OK)
		cb_conn_end(c, CB_ANSWER_FAILED, err == CB_NO_MEMORY ? err : CB_HTTP_REDIRECT);
}

void cb_conn_redirect(struct cb_conn *c)
{
	const struct cb_http_head *head = &c->http.head;
	const struct cb_bytes location = { (const uint8_t *)head->location, head->location_len };
	struct cb_url to;

	if (cb_url_redirect(&c->url, location, &to) != CB_OK) {
		refuse_redirect(c);
		return;
	}
	if (!cb_conn_ask_at(c, 0)->job) {
		cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
		return;
	}
	if (learn_base(c, &to))
		return;
	if (c->n_hops >= CB_MIRROR_MAX_HOPS || c->mirror->n_hops > CB_MIRROR_MAX_HOPS)
		refuse_redirect(c);
	else
		start_detour(c, &to);
}
