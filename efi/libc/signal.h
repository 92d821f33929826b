/* SPDX-License-Identifier: MIT */
/* Present because libsodium includes it; there are no signals here. */
#ifndef CB_LIBC_SIGNAL_H
#define CB_LIBC_SIGNAL_H

#define SIGABRT 6

#endif
