# SPDX-License-Identifier: MIT
# Varnish as the cache of a branch office, in front of a repository elsewhere. Clients verify all that it hands out.
# On Debian: copy to /etc/varnish/default.vcl, adjust the marked lines, and in the unit's ExecStart the address and
# the storage, such as: -a :80 -s file,/var/lib/varnish/chunkboot,50g
vcl 4.1;

backend origin {
	.host = "boot.example.org";        # adjust: where the repository is served
	.port = "80";
}

sub vcl_recv {
	if (req.method != "GET" && req.method != "HEAD") {
		return (synth(405));
	}
	set req.http.Host = "boot.example.org";        # adjust: the origin's name
	unset req.http.Cookie;

	# Mutable, a few KB a boot: always from the origin.
	if (req.url !~ "^/(store\.castr|sealed|manifests|indexes)/" &&
	    req.url !~ "^/metadata/[1-9][0-9]*\.[a-z]+\.json$") {
		return (pass);
	}
	# A client that got wrong bytes asks again with "no-cache": past the cache, and the answer takes the old one's place.
	if (req.http.Cache-Control ~ "(?i)no-cache") {
		set req.hash_always_miss = true;
	}
	# The hash has the query, which tells two compressions of a chunk apart. Where many machines want one object,
	# one request goes to the origin; Varnish lets the others wait for its answer.
	return (hash);
}

sub vcl_backend_response {
	# Named by what is in them or by their version: kept as long as the origin says, which is a year.
	if (beresp.status == 200) {
		return (deliver);
	}
	# What is not there now may be there in a moment.
	set beresp.uncacheable = true;
	set beresp.ttl = 10s;
	return (deliver);
}
