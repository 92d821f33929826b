#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 900
# https mirrors: certificates for another name, expired, of another authority, and with another key than the pinned
# one show a code each; with the right one the same loader boots.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# authority NAME
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/$1.key" -out "$dir/$1.pem" \
		-days 30 -subj '/CN=Test CA' -addext basicConstraints=critical,CA:TRUE 2>"$dir/openssl.log"
}

# certificate NAME AUTHORITY ADDRESS [COMMAND...]: by that authority; COMMAND runs the signing.
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/$1.key" -out "$dir/$1.csr" \
		-subj /CN=server 2>"$dir/openssl.log"
	"${@:4}" openssl x509 -req -in "$dir/$1.csr" -CA "$dir/$2.pem" -CAkey "$dir/$2.key" -days 20 -out "$dir/$1.pem" \
		-extfile <(echo "subjectAltName=IP:$3") 2>"$dir/openssl.log"
}

# offer NAME: a server with that certificate; its port goes to $dir/NAME.port.
offer() {
	serve "$shared/repo" 127.0.0.1:0 --tls "$dir/$1.pem" "$dir/$1.key"
	echo "$port" >"$dir/$1.port"
}

# switch NAME: the command that makes new connections lead to that server.
switch() {
	printf 'cp %q %q' "$dir/$1.port" "$dir/target"
}

authority ca
authority other-ca
certificate good ca "$guest_view"
certificate other-name ca 192.0.2.1
certificate expired ca "$guest_view" faketime '40 days ago'
certificate stranger other-ca "$guest_view"
for server in good other-name expired stranger; do
	offer "$server"
done

# one address for the loader, whichever server is behind it
# shellcheck disable=SC2016  # expanded by the script that is written
printf '#!/bin/sh\nexec socat - "TCP:127.0.0.1:$(cat %q)"\n' "$dir/target" >"$dir/forward"
chmod +x "$dir/forward"
port=$(free_port)
socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "EXEC:$dir/forward" &
servers+=($!)
readonly kiosk=(--autologin kiosk --passphrase-file "$shared/passphrase")
scheme=https

eval "$(switch other-name)"
stamp "$shared/repo" "$port" -- "${kiosk[@]}" --tls-ca "$dir/ca.pem"
boot expect 'CB-E117 ' expect 'R retry' run "$(switch expired)" key R \
	expect 'CB-E118 ' expect 'R retry' run "$(switch stranger)" key R \
	expect 'CB-E116 ' expect 'R retry' run "$(switch good)" key R "${comes_up[@]}"
assert_codes CB-E117 CB-E118 CB-E116
assert_booted

# a pin stands for authority and name
eval "$(switch good)"
pin=$(openssl x509 -in "$dir/stranger.pem" -pubkey -noout | openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1)
rm "$dir/esp.img"
stamp "$shared/repo" "$port" -- "${kiosk[@]}" --tls-pin "$pin"
boot expect 'CB-E116 ' expect 'R retry' run "$(switch stranger)" key R "${comes_up[@]}"
assert_codes CB-E116
assert_booted
