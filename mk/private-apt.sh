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

# What an entry says of the keys, where Debian's are installed.
signed_by() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[[ ! -f $keyring ]] || echo "[signed-by=$keyring] "
}

# write_sources DIR TYPE SUITE ARCHIVES: one entry for each archive: the suites it serves here, and the wanted one on the
# main archive.
write_sources() {
	local uri release
	rm -rf "$1/sources"
	mkdir -p "$1/sources"
	{
		awk '{ print $1, $2 }' <<<"$4"
		# The main archive is the one that serves a plain suite, such as "bookworm".
		awk -v suite="$3" '$2 !~ /[-\/]/ { print $1, suite }' <<<"$4"
	} | sort -u | while read -r uri release; do
		echo "$2 $(signed_by)$uri $release main"
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

# suite_archive SUITE ARCHIVES: the base address of the archive that serves this suite or, for one that this machine does
# not use, its like: security updates have an archive of their own.
suite_archive() {
	local like='^[^-/]+(-updates)?$'
	[[ $1 != *-security ]] || like='-security$'
	awk -v suite="$1" -v like="$like" '$2 == suite { exact = $1 } $2 ~ like { other = $1 }
		END { print exact ? exact : other }' <<<"$2"
}

# empty_machine DIR SUITE...: sets APT_CONFIG to a configuration in DIR (absolute) as of a machine on which nothing is
# installed and which has just these suites. Call it in a subshell: it starts from the machine's own configuration.
empty_machine() {
	local dir=$1 of suite uri archives
	of=$dir/$(tr ' ' + <<<"${*:2}")
	private_apt "$dir" deb "${2%%-*}" || return 1
	archives=$(debian_archives)
	mkdir -p "$of/sources"
	: >"$of/status"
	for suite in "${@:2}"; do
		uri=$(suite_archive "$suite" "$archives")
		[[ $uri ]] || { echo "no archive known for $suite"; return 1; }
		echo "deb $(signed_by)$uri $suite main" >>"$of/sources/new"
	done
	mv "$of/sources/new" "$of/sources/chunkboot.list"
	sed -e "s|^Dir::State::status .*|Dir::State::status \"$of/status\";|" \
		-e "s|^Dir::Etc::sourceparts .*|Dir::Etc::sourceparts \"$of/sources\";|" "$dir/apt.conf" >"$of/apt.conf"
	export APT_CONFIG=$of/apt.conf
	[[ -f $of/updated ]] && return
	apt-get -qq update || return 1
	touch "$of/updated"
}
