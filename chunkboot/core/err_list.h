/* SPDX-License-Identifier: MIT */
/* The closed list of error codes: X(name, code, exit code, message, hint). */
#ifndef CB_CORE_ERR_LIST_H
#define CB_CORE_ERR_LIST_H

/*
 * 1xx network, 2xx metadata, 3xx manifest or chunk, 4xx sign-in, 5xx memory or firmware,
 * 6xx kernel, 7xx command line tool. A number, once released, keeps its meaning.
 * Exit codes: 1 failure, 2 usage, 3 verification, 4 authentication, 5 network, 6 not found, 7 busy.
 */
#define CB_ERR_LIST(X)                                                                             \
	X(OK, 0, 0, "no error", "")                                                                \
	X(NET_NO_DEVICE, 101, 5, "no network interface found",                                     \
	  "check that the network adapter is enabled in the firmware setup")                       \
	X(NET_NO_LINK, 102, 5, "no network link", "plug in the network cable, then retry")         \
	X(NET_NO_LEASE, 103, 5, "no address from DHCP or router",                                  \
	  "check cable, DHCP server and router, or stamp a static address into the loader")        \
	X(NET_DNS, 104, 5, "the mirror's name could not be resolved",                              \
	  "check the DNS server, or use an address in the mirror's URL")                           \
	X(NET_CONNECT, 105, 5, "no connection to a mirror",                                        \
	  "check that the server runs and that no firewall is in the way")                         \
	X(NET_TIMEOUT, 106, 5, "no progress on the network", "check the line, then retry")         \
	X(NET_CLOSED, 107, 5, "the server closed the connection in mid-transfer",                  \
	  "retry; if it stays, look at the server's log")                                          \
	X(HTTP_FORMAT, 108, 5, "the server's answer is not valid HTTP",                            \
	  "check that the URL points to a chunkboot repository and not to a proxy")                \
	X(HTTP_STATUS, 109, 5, "the server refused the request",                                   \
	  "look at the server's log; it may be overloaded or misconfigured")                       \
	X(HTTP_TOO_LARGE, 110, 5, "the server's answer is larger than allowed",                    \
	  "check that the URL points to a chunkboot repository")                                   \
	X(HTTP_REDIRECT, 112, 5, "too many or forbidden redirects",                                \
	  "use the final URL as the mirror's URL")                                                 \
	X(URL_FORMAT, 113, 2, "malformed URL", "write it as http://host[:port]/path/")             \
	X(NET_NO_MIRROR, 114, 5, "no usable mirror is left",                                       \
	  "check that at least one mirror serves a good copy of the repository")                   \
	X(NET_TLS, 115, 5, "the TLS connection to a mirror failed",                                \
	  "the server must offer TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305")             \
	X(NET_TLS_CERT, 116, 5, "the mirror's certificate is not trusted",                         \
	  "name its CA or its key with --tls-ca or --tls-pin of 'chunkboot loader' and 'fetch'")   \
	X(NET_TLS_NAME, 117, 5, "the mirror's certificate is for another name",                    \
	  "name the mirror in its URL as its certificate does (subjectAltName)")                   \
	X(NET_TLS_DATE, 118, 5, "the mirror's certificate has expired or is not yet valid",        \
	  "check the clock; the server's administrator renews the certificate")                    \
	X(NET_OFFLINE, 119, 5, "no mirror can be reached, and this machine's cache is not enough", \
	  "connect it to the network; another environment or version may be complete here")        \
	X(META_FORMAT, 201, 3, "metadata is malformed",                                            \
	  "the copy of the repository is damaged; tell your administrator")                        \
	X(META_SIGNATURE, 202, 3, "metadata is not signed by enough trusted keys",                 \
	  "the copy of the repository was tampered with or is not this realm's")                   \
	X(META_EXPIRED, 203, 3, "metadata has expired",                                            \
	  "check the clock; the administrator runs 'chunkboot refresh'")                           \
	X(META_ROLLBACK, 204, 3, "metadata is older than what was seen before",                    \
	  "the mirror is out of date or being tampered with; use another one")                     \
	X(META_HASH, 205, 3, "metadata differs in length or hash from what was signed",            \
	  "the copy of the repository is damaged or incomplete; use another mirror")               \
	X(META_MISSING, 206, 3, "a metadata file is missing on the mirrors",                       \
	  "check that the repository was copied to the mirrors completely")                        \
	X(META_LIMIT, 207, 3, "metadata exceeds a limit",                                          \
	  "update the loader; tell your administrator")                                            \
	X(META_LOADER_OLD, 208, 3, "this loader is too old for the realm",                         \
	  "install a newer chunkboot.efi")                                                         \
	X(META_NO_IMAGE, 209, 6, "no such image is listed",                                        \
	  "it may have been withdrawn; choose another environment")                                \
	X(STATE_FOREIGN, 210, 3, "stored rollback state was not written by this loader",           \
	  "it was removed; look for the program on this machine that wrote it")                    \
	X(MANIFEST_FORMAT, 301, 3, "the image's manifest is malformed",                            \
	  "publish the image again with this version of chunkboot")                                \
	X(MANIFEST_HASH, 302, 3, "the image's manifest differs from what was signed",              \
	  "the copy of the repository is damaged; use another mirror")                             \
	X(CHUNK_HASH, 303, 3, "a chunk differs from what was signed",                              \
	  "the copy of the repository is damaged or tampered with; use another mirror")            \
	X(CHUNK_DECODE, 304, 3, "a verified chunk does not decompress",                            \
	  "publish the image again; tell your administrator")                                      \
	X(SEGMENT_HASH, 305, 3, "a segment differs from what was published",                       \
	  "the repository is damaged; publish the image again")                                    \
	X(CHUNK_MISSING, 306, 3, "a chunk is missing on every mirror",                             \
	  "check that the repository was copied to the mirrors completely")                        \
	X(CMDLINE_REFUSED, 307, 3, "the environment's command line is not allowed by the image",   \
	  "allow it with 'publish --cmdline-allow', or change the account's environment")          \
	X(CMDLINE_TOO_LONG, 308, 3, "the kernel command line is too long", "shorten it")           \
	X(IMAGE_ARCH, 309, 3, "the image is for another kind of machine",                          \
	  "choose an environment for this machine")                                                \
	X(ARCHIVE_FORMAT, 310, 3, "the initramfs archive is malformed", "build it again")          \
	X(LOGIN_UNKNOWN, 401, 4, "account or passphrase not known here",                           \
	  "check both and the keyboard layout, then try again")                                    \
	X(RECORD_FORMAT, 402, 4, "the account record is malformed", "tell your administrator")     \
	X(RECORD_SIGNATURE, 403, 4, "the account record is not signed by this realm",              \
	  "the copy of the repository was tampered with; tell your administrator")                 \
	X(RECORD_REVOKED, 404, 4, "the account has been revoked", "ask your administrator")        \
	X(RECORD_EXPIRED, 405, 4, "the account has expired",                                       \
	  "check the clock; the administrator runs 'chunkboot account renew'")                     \
	X(RECORD_EPOCH, 406, 4, "the account record is out of date",                               \
	  "the mirror is out of date or being tampered with; use another one")                     \
	X(RECORD_KEY, 407, 4, "the account record cannot be opened",                               \
	  "the record is damaged; tell your administrator")                                        \
	X(KDF_PARAMS, 408, 4, "key derivation parameters are out of range",                        \
	  "update the loader; tell your administrator")                                            \
	X(NO_ENVIRONMENT, 409, 4, "the account has no environment to boot",                        \
	  "the administrator runs 'chunkboot account set --env'")                                  \
	X(ACCOUNT_SYNTAX, 410, 2, "malformed account name",                                        \
	  "use 1 to 64 characters of a-z 0-9 . _ @ -")                                             \
	X(PASSPHRASE_SYNTAX, 411, 2, "malformed passphrase",                                       \
	  "use 1 to 256 printable ASCII characters")                                               \
	X(PASSPHRASE_WEAK, 412, 4, "the passphrase is too easy to guess",                          \
	  "let the tool generate one, or use --allow-weak")                                        \
	X(LOGIN_OFFLINE, 413, 4,                                                                   \
	  "account or passphrase not known to this machine without the network",                   \
	  "check both; the first sign-in on a machine needs the network")                          \
	X(OFFLINE_OVER, 414, 4, "this account was without the network for too long",               \
	  "connect the machine to the network; it goes on by itself then")                         \
	X(NO_MEMORY, 501, 1, "out of memory", "close other programs or add memory")                \
	X(MEMORY_SHORT, 502, 1, "this machine has too little memory",                              \
	  "use a machine with more memory, or a smaller image")                                    \
	X(FIRMWARE, 503, 1, "the firmware failed", "update the firmware, or power off and on")     \
	X(ENTROPY, 504, 1, "the machine offers no source of randomness",                           \
	  "enable RDRAND or the random number generator in the firmware setup")                    \
	X(CONFIG, 505, 1, "the loader carries no valid configuration",                             \
	  "write it with 'chunkboot loader'")                                                      \
	X(VARIABLE, 506, 1, "the firmware's variable store failed",                                \
	  "reset the firmware's settings or update the firmware")                                  \
	X(INTERNAL, 507, 1, "internal error", "report it, with the code and what you did")         \
	X(KERNEL_LOAD, 601, 1, "the firmware refused the kernel",                                  \
	  "check the Secure Boot settings and the kernel's signature")                             \
	X(KERNEL_RETURNED, 602, 1, "the kernel returned to the loader",                            \
	  "it may have had too little memory; try another version")                                \
	X(KERNEL_OLD, 603, 1, "the kernel is too old or of no known kind",                         \
	  "use Linux 5.8 or newer with an EFI stub")                                               \
	X(IO, 701, 1, "a file could not be read or written", "see the message")                    \
	X(EXISTS, 702, 1, "it exists already", "choose another name or remove it first")           \
	X(BUSY, 703, 7, "another chunkboot is writing to the repository",                          \
	  "wait for it to end, then retry")                                                        \
	X(USAGE, 704, 2, "wrong usage", "see --help")                                              \
	X(KEY_FORMAT, 705, 1, "a key file is malformed",                                           \
	  "use a PKCS#8 PEM file as 'openssl genpkey -algorithm ed25519' writes")                  \
	X(INTERRUPTED, 706, 130, "interrupted", "")                                                \
	X(TOOL_MISSING, 707, 1, "a program this needs is not installed",                           \
	  "install it with apt-get install")                                                       \
	X(NOT_FOUND, 708, 6, "no such file or name", "check the name")                             \
	X(NOT_REPOSITORY, 709, 6, "this is not a chunkboot repository",                            \
	  "create one with 'chunkboot init'")                                                      \
	X(CONFLICT, 710, 1, "this version exists with other content", "use another --version")     \
	X(LOADER_FORMAT, 711, 1, "the EFI file is malformed or cannot take a configuration",       \
	  "use the unsigned chunkboot-x86_64.efi that was built or installed")                     \
	X(ATTENTION, 712, 1, "something needs attention", "the lines above say what and when")     \
	X(PROGRAM, 713, 1, "a program that this runs did not succeed", "what it printed says why") \
	X(NOT_READY, 714, 5, "not ready in time", "give it longer with --timeout")

#endif
