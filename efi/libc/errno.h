/* SPDX-License-Identifier: MIT */
/* Error numbers for the libraries; one processor uses them, so errno is a plain variable. */
#ifndef CB_LIBC_ERRNO_H
#define CB_LIBC_ERRNO_H

extern int cb_libc_errno;
#define errno cb_libc_errno

#define EIO 5
#define ENOMEM 12
#define EFAULT 14
#define EINVAL 22
#define EFBIG 27
#define ERANGE 34
#define ENOSYS 38

#endif
