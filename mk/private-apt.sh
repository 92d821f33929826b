# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A private apt configuration made from the machine's own, for suites that the machine itself does not use: nothing
# outside its folder is written. To be sourced.

# The base addresses of the Debian archives this machine uses: "URI RELEASE", one a line.
debian_archives() {
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk '$1 == "Debian" && $4 == "main" { print $2, $3 }' | sort -u
}

write_apt_conf() {
	cat >"$1/apt.conf" <<-CONF
		Dir::State "$1/state";
		Dir::State::lists "$1/state/lists";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$1/cache";
		APT::Sandbox::User "root";
		APT::Get::List-Cleanup "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
	CONF
}

# write_sources DIR TYPE SUITE ARCHIVES: one entry for each archive: the suites it serves here, and the wanted one on the
# main archive.
write_sources() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed="" uri release
	[[ -f $keyring ]] && signed="[signed-by=$keyring] "
	rm -rf "$1/sources"
	mkdir -p "$1/sources"
	{
		awk '{ print $1, $2 }' <<<"$4"
		# The main archive is the one that serves a plain suite, such as "bookworm".
		awk -v suite="$3" '$2 !~ /[-\/]/ { print $1, suite }' <<<"$4"
	} | sort -u | while read -r uri release; do
		echo "$2 $signed$uri $release main"
	done >"$1/sources/chunkboot.list"
	cat >>"$1/apt.conf" <<-CONF
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$1/sources";
	CONF
}

# private_apt DIR TYPE SUITE: sets APT_CONFIG to a configuration in DIR (absolute) that knows the suite's packages (TYPE
# deb) or sources (deb-src). The lists are fetched once; remove DIR/updated-SUITE for new ones.
private_apt() {
	local archives
	mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial"
	archives=$(debian_archives)
	write_apt_conf "$1"
	export APT_CONFIG=$1/apt.conf
	if [[ -z $archives ]]; then
		# Nothing known yet: read the machine's own sources into the private database.
		apt-get -qq update || return 1
		archives=$(debian_archives)
	fi
	[[ -n $archives ]] || return 1
	write_sources "$1" "$2" "$3" "$archives"
	[[ -f $1/updated-$3 ]] && return
	apt-get -qq update || return 1
	touch "$1/updated-$3"
}
