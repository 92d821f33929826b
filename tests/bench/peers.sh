#!/bin/bash
# SPDX-License-Identifier: MIT
# Our loader, iPXE, GRUB and the firmware's HTTP Boot on the same work: Debian's cloud kernel and a 128 MiB cpio, the same
# virtual machine, nginx with cubic, the wire program between them. Runs take turns: A B C A B C.
# RUNS (default 3), PROFILES, PEERS and SECONDS_MAX (of one run) can be set; the tables below say what there is.
# CAPTURE=1 keeps a packet capture of each run (tcpdump). Everything is left in build/bench/peers, a folder a run.
# timeout: 36000
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../net/lib.sh"

. "$(dirname "$0")/lib-peers.sh"

readonly work=$CB_BUILD/bench/peers
readonly www=$work/www
readonly runs=${RUNS:-3}
readonly seconds_max=${SECONDS_MAX:-300}
nginx_pid='' capture_pid=''

# Queues: 50 ms of the line, and in the LAN more than any window.
declare -A profile=(
	[lan]='queue=8e6'
	[100m]='rate=100e6 queue=625e3'
	[100m-20ms]='rate=100e6 queue=625e3 delay=20'
	[100m-20ms-loss]='rate=100e6 queue=625e3 delay=20 loss=0.01'
)
readonly peers_all='ours ours-cached ours-https ipxe snponly firmware grub ours-3-mirrors ipxe-cpio'

end_all() {
	[[ -z $nginx_pid ]] || kill "$nginx_pid" 2>/dev/null || true
	[[ -z $capture_pid ]] || kill "$capture_pid" 2>/dev/null || true
	end_dhcp
	end_wires
}

check_needs() {
	need_files /usr/share/OVMF/OVMF_CODE_4M.fd "$image/vmlinuz" "$debs/nginx/usr/sbin/nginx" \
		"$debs/ipxe@trixie/usr/lib/ipxe/snponly.efi" "$debs/grub-common/usr/bin/grub-mkimage" \
		"$debs/systemd-boot-efi/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
	command -v dnsmasq >/dev/null || skip 'dnsmasq is not installed'
}

# ---- The work, once ----

# tls.pem, tls.key: of an authority, with a certificate for the server itself
make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/tls.key" -out "$work/tls.pem" \
		-days 30 -subj /CN=bench -addext "subjectAltName=IP:$lab_host" 2>"$work/openssl.log"
}

make_realm() {
	local name urls loader=("$CB_BUILD/chunkboot" loader "$work/repo" --autologin kim --no-prefetch --quiet)
	rm -rf "$work/repo" "$work/keys"
	"$CB_BUILD/chunkboot" init "$work/repo" --keys "$work/keys" --kdf small --quiet
	"$CB_BUILD/chunkboot" publish "$work/repo" bench --keys "$work/keys" --kernel "$www/vmlinuz" \
		--initrd "$www/initrd.cpio" --cmdline "$cmdline"
	"$CB_BUILD/chunkboot" account add "$work/repo" kim --keys "$work/keys" --env bench >"$work/kim"
	for name in ours ours-https ours-3-mirrors; do
		urls=(--url "http://$lab_host:8080/")
		case $name in
		ours-https) urls=(--url "https://$lab_host:8443/" --tls-ca "$work/tls.pem") ;;
		# nobody has the first address, and the second server is slow
		ours-3-mirrors) urls=(--url "http://10.0.2.9:8080/" --url "http://$lab_host:8081/" "${urls[@]}") ;;
		esac
		"${loader[@]}" "${urls[@]}" --passphrase-file "$work/kim" -o "$work/$name.efi"
	done
	make_disk "$work/ours-cached.disk" "$work/ours.efi"
	fill_cache "$work/ours-cached.disk" "$work/repo" bench
}

make_ipxe() {
	local of
	for of in zst cpio; do
		printf '#!ipxe\nkernel http://%s/vmlinuz %s\ninitrd http://%s/initrd.%s\nboot\n' \
			"$lab_host" "$cmdline" "$lab_host" $of >"$www/boot-$of.ipxe"
	done
	cp "$debs/ipxe@trixie/usr/lib/ipxe/"{ipxe,snponly}.efi "$www/"
	cp "$www/ipxe.efi" "$work/ipxe.efi"
	cp "$www/ipxe.efi" "$work/ipxe-cpio.efi"
}

make_grub() {
	printf 'net_bootp\nlinux (http,%s)/vmlinuz %s\ninitrd (http,%s)/initrd.zst\nboot\n' \
		"$lab_host" "$cmdline" "$lab_host" >"$work/grub.cfg"
	make_grub_efi "$work/grub.cfg" "$www/grub.efi" normal linux http efinet net boot
}

# The unified kernel image that the firmware can fetch and start by itself.
make_uki() {
	printf '%s' "$cmdline" >"$work/cmdline"
	objcopy --add-section .cmdline="$work/cmdline" --change-section-vma .cmdline=0x30000 \
		--add-section .linux="$www/vmlinuz" --change-section-vma .linux=0x2000000 \
		--add-section .initrd="$www/initrd.zst" --change-section-vma .initrd=0x4000000 \
		"$debs/systemd-boot-efi/usr/lib/systemd/boot/efi/linuxx64.efi.stub" "$www/uki.efi"
}

# The peers' part once, ours also when the tool or the loader is newer.
make_work() {
	if [[ ! -f $work/.peers || $0 -nt $work/.peers ]]; then
		rm -rf "$work"
		mkdir -p "$www"
		make_files "$www"
		make_ipxe
		make_grub
		make_uki
		touch "$work/.peers"
	fi
	if [[ ! -f $work/.ours || $CB_BUILD/chunkboot -nt $work/.ours || $CB_BUILD/chunkboot-x86_64.efi -nt $work/.ours ]]
	then
		make_certificate
		make_realm
		touch "$work/.ours"
	fi
}

# ---- A run ----

# server PORT ROOT [LINE...]: a server of nginx's
server() {
	printf 'server { listen %s:%s; root %s; keepalive_requests 100000; %s }\n' "$lab_host" "$1" "$2" "${*:3}"
}

start_nginx() {
	cat >"$1/nginx.conf" <<-CONF
		daemon off;
		master_process off;
		pid $1/nginx.pid;
		error_log $1/nginx-error.log notice;
		events { }
		http {
			log_format times '\$msec \$request_time \$connection \$status \$body_bytes_sent \$uri';
			access_log $1/access.log times;
			client_body_temp_path $1/t1;
			proxy_temp_path $1/t2;
			fastcgi_temp_path $1/t3;
			uwsgi_temp_path $1/t4;
			scgi_temp_path $1/t5;
			default_type application/octet-stream;
			sendfile on;
			tcp_nopush on;
			$(server 80 "$www")
			$(server 8080 "$work/repo")
			$(server 8081 "$work/repo" limit_rate 100k\;)
			$(server '8443 ssl' "$work/repo" "ssl_certificate $work/tls.pem;" "ssl_certificate_key $work/tls.key;" \
				'ssl_protocols TLSv1.2; ssl_ecdh_curve X25519; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;')
		}
	CONF
	: >"$1/access.log"
	"$debs/nginx/usr/sbin/nginx" -e "$1/nginx-error.log" -c "$1/nginx.conf" 2>"$1/nginx-stderr" &
	nginx_pid=$!
	until grep -q LISTEN < <(ss -ltnH "sport = :8081"); do
		kill -0 $nginx_pid 2>/dev/null || { cat "$1"/nginx-*; return 1; }
	done
}

# Cubic, although the machine's default may be another, and nothing remembered of earlier runs.
set_up_network() {
	ip route change 10.0.2.0/24 dev srv0 proto kernel scope link src "$lab_host" congctl cubic
	echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save
}

# The way this peer comes to the machine: sets $first, $start (QEMU's words) and starts DHCP.
prepare_peer() {
	local peer=$1 where=$2 esp
	local http_boot=("--dhcp-vendorclass=set:http,HTTPClient" "--dhcp-option-force=tag:http,60,HTTPClient")
	local ipxe=("--dhcp-match=set:ipxe,175" --dhcp-boot="tag:ipxe,http://$lab_host/boot-zst.ipxe")
	first=/vmlinuz
	start=(-device "virtio-net-pci,netdev=net0,romfile=,mac=$lab_mac,bootindex=1")
	case $peer in
	firmware)
		first=/uki.efi
		start_dhcp "$where" "${http_boot[@]}" --dhcp-boot="tag:http,http://$lab_host/uki.efi"
		;;
	snponly)
		start_dhcp "$where" "${http_boot[@]}" "${ipxe[@]}" --dhcp-boot="tag:!ipxe,http://$lab_host/snponly.efi"
		;;
	grub) # started from a disk, it finds no network card: the firmware has not touched it
		start_dhcp "$where" "${http_boot[@]}" --dhcp-boot="tag:http,http://$lab_host/grub.efi"
		;;
	*)
		case $peer in
		ours-cached) first=/metadata/ ;;
		ours*) first=/store.castr/ ;;
		ipxe-cpio) ipxe=("${ipxe[@]/zst/cpio}") ;;
		esac
		start_dhcp "$where" "${ipxe[@]}"
		if [[ $peer == ours-cached ]]; then
			cp --sparse=always "$work/$peer.disk" "$where/disk"
		else
			make_disk "$where/disk" "$work/$peer.efi"
		fi
		start=(-drive "if=none,id=disk,format=raw,file=$where/disk" -device "virtio-blk-pci,drive=disk,bootindex=1"
			-device "virtio-net-pci,netdev=net0,romfile=,mac=$lab_mac")
		;;
	esac
}

run_peer() {
	local profile_name=$1 peer=$2 i=$3 where first start settings machine
	where=$work/$profile_name/$peer-$i
	rm -rf "$where"
	mkdir -p "$where"
	read -ra settings <<<"${profile[$profile_name]}"
	# the same frames are lost for everybody in the same round
	lab_seed=$i start_lab "$where" "${settings[@]}"
	set_up_network
	prepare_peer "$peer" "$where"
	start_nginx "$where"
	set_machine "$where"
	if [[ ${CAPTURE:-} ]]; then
		tcpdump -i srv0 -s 100 -B 65536 -w "$where/capture.pcap" 2>"$where/tcpdump.err" &
		capture_pid=$!
	fi
	python3 "$driver/peer_run.py" "$where" "$first" "$seconds_max" "${machine[@]}" \
		-fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=n -fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n \
		-netdev "$(lab_netdev "$where")" "${start[@]}" >"$where/result.json"
	if [[ $capture_pid ]]; then
		kill "$capture_pid"
		wait "$capture_pid" || true
		capture_pid=''
	fi
	kill "$nginx_pid"
	wait "$nginx_pid" || true
	nginx_pid=''
	end_dhcp
	end_wires
	rm -f "$where/disk" "$where/vars.fd"
	python3 "$driver/peer_table.py" --line "$profile_name" "$peer" "$where/result.json"
}

check_needs
trap end_all EXIT
make_work
read -ra profiles <<<"${PROFILES:-lan 100m 100m-20ms 100m-20ms-loss}"
read -ra peers <<<"${PEERS:-$peers_all}"
for profile_name in "${profiles[@]}"; do
	[[ ${profile[$profile_name]:-} ]] || { echo "no such profile: $profile_name"; exit 2; }
	rm -rf "${work:?}/$profile_name"
	for ((i = 1; i <= runs; i++)); do
		for peer in "${peers[@]}"; do
			# the uncompressed archive is of interest only where the line is not the limit
			[[ $peer == ipxe-cpio && $profile_name != lan ]] || run_peer "$profile_name" "$peer" "$i"
		done
	done
done
python3 "$driver/peer_table.py" "$work" "${profiles[@]}"
