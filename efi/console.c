/* SPDX-License-Identifier: MIT */
/* The firmware's console: text out, keys in. */
#include "console.h"

#include "core/event.h"
#include "uefi.h"

#define CHUNK 128
#define COLUMNS_DEFAULT 80
#define CTRL_U 0x15
#define DELETE_CHARACTER 0x7f

static EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *input_ex;

void cb_console_init(void)
{
	static const EFI_GUID guid = EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID;
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = cb_uefi.st->ConOut;

	input_ex = cb_uefi_protocol(cb_uefi.st->ConsoleInHandle, &guid);
	out->ClearScreen(out);
	out->EnableCursor(out, TRUE);
}

size_t cb_console_columns(void)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = cb_uefi.st->ConOut;
	UINTN columns = 0, rows = 0;

	if (!out->Mode || out->Mode->Mode < 0 ||
	    EFI_ERROR(out->QueryMode(out, (UINTN)out->Mode->Mode, &columns, &rows)))
		return COLUMNS_DEFAULT;
	return columns;
}

/* One character of well-formed UTF-8 below U+10000 (format.c lets nothing else through). */
static size_t decode(const char *text, size_t len, CHAR16 *out)
{
	const uint8_t *p = (const uint8_t *)text;

	if (p[0] >= 0xe0 && len >= 3) {
		*out = (CHAR16)((p[0] & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f));
		return 3;
	}
	if (p[0] >= 0xc0 && len >= 2) {
		*out = (CHAR16)((p[0] & 0x1f) << 6 | (p[1] & 0x3f));
		return 2;
	}
	*out = p[0];
	return 1;
}

void cb_console_write(void *ctx, const char *text, size_t len)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = cb_uefi.st->ConOut;
	CHAR16 wide[CHUNK + 1];

	(void)ctx;
	while (len) {
		size_t n = 0;

		while (len && n + 2 <= CHUNK) {
			size_t used = decode(text, len, &wide[n]);

			if (wide[n] == '\n') {
				wide[n++] = '\r';
				wide[n] = '\n';
			}
			n++;
			text += used;
			len -= used;
		}
		wide[n] = 0;
		out->OutputString(out, wide);
	}
}

static unsigned from_scan_code(UINT16 code)
{
	static const uint16_t keys[] = {
		[SCAN_UP] = CB_KEY_UP,	       [SCAN_DOWN] = CB_KEY_DOWN,
		[SCAN_RIGHT] = CB_KEY_RIGHT,   [SCAN_LEFT] = CB_KEY_LEFT,
		[SCAN_HOME] = CB_KEY_HOME,     [SCAN_END] = CB_KEY_END,
		[SCAN_DELETE] = CB_KEY_DELETE,
	};

	if (code == SCAN_ESC)
		return CB_KEY_ESCAPE;
	if (code >= SCAN_F1 && code <= SCAN_F4)
		return CB_KEY_F1 + (unsigned)(code - SCAN_F1);
	if (code < sizeof(keys) / sizeof(*keys) && keys[code])
		return keys[code];
	return CB_KEY_OTHER;
}

static unsigned from_character(CHAR16 c, bool is_control)
{
	if (is_control && (c == 'u' || c == 'U'))
		return CB_KEY_KILL_LINE;
	switch (c) {
	case CTRL_U:
		return CB_KEY_KILL_LINE;
	case '\b':
	case DELETE_CHARACTER:
		return CB_KEY_BACKSPACE;
	case '\t':
		return CB_KEY_TAB;
	case '\r':
	case '\n':
		return CB_KEY_ENTER;
	default:
		break;
	}
	if (c >= 0x20 && c < 0x7f && !is_control)
		return c;
	return CB_KEY_OTHER;
}

static unsigned translate(EFI_INPUT_KEY key, bool is_control)
{
	if (key.UnicodeChar)
		return from_character(key.UnicodeChar, is_control);
	return key.ScanCode ? from_scan_code(key.ScanCode) : CB_KEY_NONE;
}

unsigned cb_console_key(void)
{
	const UINT32 control = EFI_RIGHT_CONTROL_PRESSED | EFI_LEFT_CONTROL_PRESSED;
	SIMPLE_INPUT_INTERFACE *in = cb_uefi.st->ConIn;
	EFI_KEY_DATA data = { 0 };

	if (!input_ex) {
		if (EFI_ERROR(in->ReadKeyStroke(in, &data.Key)))
			return CB_KEY_NONE;
		return translate(data.Key, /*is_control=*/false);
	}
	if (EFI_ERROR(input_ex->ReadKeyStrokeEx(input_ex, &data)))
		return CB_KEY_NONE;
	return translate(data.Key,
			 (data.KeyState.KeyShiftState & EFI_SHIFT_STATE_VALID) &&
				 (data.KeyState.KeyShiftState & control));
}

void *cb_console_key_event(void)
{
	return input_ex ? input_ex->WaitForKeyEx : cb_uefi.st->ConIn->WaitForKey;
}

void cb_console_drain(void)
{
	for (unsigned i = 0; i < 1000 && cb_console_key() != CB_KEY_NONE; i++)
		continue;
}
