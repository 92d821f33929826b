/* SPDX-License-Identifier: MIT */
/* Events that step machines emit, and keys that a person presses. Facts, never texts. */
#ifndef CB_CORE_EVENT_H
#define CB_CORE_EVENT_H

#include "core/bytes.h"
#include "core/err.h"

/* A key press: a printable ASCII character as itself, or one of these. */
enum cb_keypress {
	CB_KEY_NONE = 0,
	CB_KEY_ENTER = 0x100,
	CB_KEY_BACKSPACE,
	CB_KEY_DELETE,
	CB_KEY_LEFT,
	CB_KEY_RIGHT,
	CB_KEY_UP,
	CB_KEY_DOWN,
	CB_KEY_HOME,
	CB_KEY_END,
	CB_KEY_ESCAPE,
	CB_KEY_TAB,
	CB_KEY_F1, /* F1..F12 follow in order */
	CB_KEY_F2,
	CB_KEY_F3,
	CB_KEY_F4,
	CB_KEY_KILL_LINE, /* Ctrl-U */
	CB_KEY_OTHER,
};

enum cb_stage {
	CB_STAGE_START,
	CB_STAGE_NETWORK,
	CB_STAGE_METADATA,
	CB_STAGE_SIGN_IN,
	CB_STAGE_DERIVE,
	CB_STAGE_RECORD,
	CB_STAGE_MENU,
	CB_STAGE_FETCH,
	CB_STAGE_HANDOVER,
	CB_STAGE_READY, /* the driver starts the kernel now */
	CB_STAGE_FAILED, /* the error screen; waits for a choice */
};

enum cb_event_kind {
	CB_EVENT_STAGE, /* stage entered */
	CB_EVENT_PROMPT, /* show or redraw a prompt line */
	CB_EVENT_MENU, /* show or redraw the environment menu */
	CB_EVENT_PROGRESS, /* fetch progress; at most a few a second */
	CB_EVENT_WAITING, /* 5 s without progress: waiting for the network */
	CB_EVENT_NOTICE, /* something worth a line that is not fatal: err, subject */
	CB_EVENT_ERROR, /* the attempt failed: err, subject; the error screen follows */
	CB_EVENT_REFUSED, /* sign-in refused, prompt again: err */
	CB_EVENT_OFFLINE, /* goes on with what the cache has: err why, offline */
};

enum cb_prompt { CB_PROMPT_ACCOUNT, CB_PROMPT_PASSPHRASE };

#define CB_MENU_MAX 16

struct cb_event {
	enum cb_event_kind kind;
	enum cb_stage stage; /* of every event */
	enum cb_err err; /* NOTICE, ERROR, REFUSED, OFFLINE */
	const char
		*subject; /* NOTICE, ERROR: the object, e.g. a path or mirror; STAGE: at SIGN_IN the
			      * realm's title; "" when none */
	uint64_t need_bytes, free_bytes; /* ERROR MEMORY_SHORT: memory, as far as known; else 0 */
	bool pauses_download; /* STAGE, at DERIVE: nothing comes in until it is over */
	bool retries; /* ERROR: it is tried again without anybody's doing */
	bool offers_previous; /* ERROR: key P boots the image's previous version */
	struct { /* PROMPT */
		enum cb_prompt which;
		struct cb_bytes text; /* as typed so far; the screen masks a passphrase */
		size_t cursor; /* 0..text.len */
		const char *layout; /* name of the keyboard layout in force */
		bool is_final; /* Enter was pressed */
	} prompt;
	struct { /* MENU */
		unsigned n, selected;
		struct cb_bytes label[CB_MENU_MAX];
		unsigned countdown_s; /* 0: none */
		const char *account_title; /* display name */
	} menu;
	struct { /* PROGRESS */
		uint64_t done_bytes, total_bytes; /* stored bytes verified / needed */
		uint64_t rate_bytes_s;
		uint32_t remaining_s; /* UINT32_MAX when unknown */
		uint32_t n_connections;
		uint32_t n_mirrors_up, n_mirrors;
		uint64_t cache_bytes; /* of done_bytes, as far as they were read from the cache */
		const char *image; /* NAME/VERSION */
	} progress;
	struct { /* OFFLINE; Unix time */
		int64_t since_s; /* when the metadata was issued */
		int64_t until_s; /* the account may be used so long; 0: not known yet */
	} offline;
};

#endif
