# SPDX-License-Identifier: MIT
# Third-party sources for the EFI target: the one list of what is used, pinned by hash. Nothing of it is committed.
#
# A line is: Debian suite, source package, tarball, its SHA-256, and then triples of Debian's own tarball,
# a patch in it, and the SHA-256 of that patch. Debian's .orig tarballs do not change within a release.
# To change a version: change the line, run make, read what changed in the library, run make test.

THIRD_PARTY := bearssl lwip sodium zstd

tp_bearssl := bookworm bearssl bearssl_0.6+dfsg.1.orig.tar.xz \
	102a625bd8f6155260867a50c508df8d8c3f796985dd744df1a68e5cd1a79004

# 2.2.1 for its fixes in TCP reassembly and option parsing; Debian's patches touch SNMP and the Unix port only.
tp_lwip := trixie lwip lwip_2.2.1+dfsg1.orig.tar.xz \
	83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1

tp_sodium := bookworm libsodium libsodium_1.0.18.orig.tar.gz \
	d59323c6b712a1519a5daf710b68f5e7fde57040845ffec53850911f10a5d4f4 \
	libsodium_1.0.18-1+deb12u1.debian.tar.xz CVE-2025-69277.patch \
	699072b7b224f1b129f112f509314619ccf8a7104a096daa0bc930217781dc66

tp_zstd := bookworm libzstd libzstd_1.5.4+dfsg2.orig.tar.xz \
	8cf4bbb65e77ec348d052c8d6230eba66d435bddf64c8b5be2fcb16880c19953
