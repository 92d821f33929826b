/* SPDX-License-Identifier: MIT */
/* Keyboard layouts: what the key that is X on a US keyboard means on another one. */
#include <string.h>

#include "core/line.h"

/*
 * The keys by rows, plain and then shifted; each layout lists its characters in the same order, a
 * blank where the key gives nothing in ASCII. A dead key that accents an ASCII character stands for
 * that character. What a layout has only on a third level (AltGr) cannot be typed in it.
 */
static const char us_keys[] = "`1234567890-=qwertyuiop[]\\asdfghjkl;'zxcvbnm,./"
			      "~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:\"ZXCVBNM<>?";

static const struct {
	const char *name;
	const char *keys;
} layouts[] = {
	{ "us", us_keys },
	{ "uk",
	  "`1234567890-=qwertyuiop[]#asdfghjkl;'zxcvbnm,./"
	  " !\" $%^&*()_+QWERTYUIOP{}~ASDFGHJKL:@ZXCVBNM<>?" },
	{ "de",
	  "^1234567890  qwertzuiop +#asdfghjkl  yxcvbnm,.-"
	  " !\" $%&/()=?`QWERTZUIOP *'ASDFGHJKL  YXCVBNM;:_" },
	{ "ch",
	  " 1234567890'^qwertzuiop  $asdfghjkl  yxcvbnm,.-"
	  " +\"* %&/()=?`QWERTZUIOP ! ASDFGHJKL  YXCVBNM;:_" },
	{ "fr",
	  " & \"'(- _  )=azertyuiop^$*qsdfghjklm wxcvbn,;:!"
	  " 1234567890 +AZERTYUIOP   QSDFGHJKLM%WXCVBN?./ " },
	{ "be",
	  " & \"'(  !  )-azertyuiop^$ qsdfghjklm wxcvbn,;:="
	  " 1234567890 _AZERTYUIOP * QSDFGHJKLM%WXCVBN?./+" },
	{ "es",
	  " 1234567890' qwertyuiop`+ asdfghjkl  zxcvbnm,.-"
	  " !\" $%&/()=? QWERTYUIOP^* ASDFGHJKL  ZXCVBNM;:_" },
	{ "it",
	  "\\1234567890' qwertyuiop + asdfghjkl  zxcvbnm,.-"
	  "|!\" $%&/()=?^QWERTYUIOP * ASDFGHJKL  ZXCVBNM;:_" },
	{ "pt",
	  "\\1234567890' qwertyuiop+ ~asdfghjkl  zxcvbnm,.-"
	  "|!\"#$%&/()=? QWERTYUIOP*`^ASDFGHJKL  ZXCVBNM;:_" },
	{ "dk",
	  " 1234567890+ qwertyuiop  'asdfghjkl  zxcvbnm,.-"
	  " !\"# %&/()=?`QWERTYUIOP ^*ASDFGHJKL  ZXCVBNM;:_" },
	{ "no",
	  "|1234567890+\\qwertyuiop  'asdfghjkl  zxcvbnm,.-"
	  " !\"# %&/()=?`QWERTYUIOP ^*ASDFGHJKL  ZXCVBNM;:_" },
	{ "se",
	  " 1234567890+ qwertyuiop  'asdfghjkl  zxcvbnm,.-"
	  " !\"# %&/()=?`QWERTYUIOP ^*ASDFGHJKL  ZXCVBNM;:_" },
	{ "dvorak",
	  "`1234567890[]',.pyfgcrl/=\\aoeuidhtns-;qjkxbmwvz"
	  "~!@#$%^&*(){}\"<>PYFGCRL?+|AOEUIDHTNS_:QJKXBMWVZ" },
};

#define N_LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

const char *cb_layout_name(unsigned i)
{
	return i < N_LAYOUTS ? layouts[i].name : NULL;
}

unsigned cb_layout_find(struct cb_bytes name, bool *ret_known)
{
	unsigned found = 0;
	bool is_known = false;

	for (unsigned i = 0; i < N_LAYOUTS; i++) {
		if (!cb_bytes_is(name, layouts[i].name))
			continue;
		found = i;
		is_known = true;
	}
	if (ret_known != NULL)
		*ret_known = is_known;
	return found;
}

unsigned cb_layout_map(unsigned layout, unsigned us)
{
	if (us <= ' ' || us > '~' || layout >= N_LAYOUTS)
		return us;
	for (size_t i = 0; i < sizeof(us_keys) - 1; i++)
		if ((unsigned char)us_keys[i] == us)
			return layouts[layout].keys[i] == ' ' ?
				0 :
				(unsigned char)layouts[layout].keys[i];
	return 0;
}
