#!/usr/bin/env bash
# dnsmasq 2.90 (Debian 12): while the only server for a zone refuses (its port is closed), a query to dnsmasq for that zone gets no
# answer at all: no SERVFAIL, not in ten seconds, at the tenth question as at the first. A client has to wait for its own time-out each time.
# The names it knows itself are answered meanwhile. Whoever judges by a DNS list has to
# bound the wait himself; "the resolver would say so" does not hold.
set -euo pipefail
work=$(mktemp -d); trap 'kill "${pid:-}" 2>/dev/null || :; cd /; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download dnsmasq-base 2>/dev/null
version=$(dpkg-deb -f dnsmasq-base_*.deb Version)
case $version in 2.90-*) ;; *) echo "this is about dnsmasq 2.90, not $version"; exit 1 ;; esac
for package in *.deb; do dpkg -x "$package" root; done
[ -e /usr/lib/*-linux-gnu/libnetfilter_conntrack.so.3 ] 2>/dev/null || { apt-get -qq -o APT::Sandbox::User=root download libnetfilter-conntrack3 libnfnetlink0 libnftables1 libnftnl11 libmnl0 libxtables12 libjansson4 libgmp10 libdbus-1-3 libidn2-0 2>/dev/null; for package in lib*.deb; do dpkg -x "$package" root; done; }
LD_LIBRARY_PATH=$(echo root/usr/lib/*-linux-gnu):$(echo root/lib/*-linux-gnu) root/usr/sbin/dnsmasq --keep-in-foreground --conf-file=/dev/null --user="$(id -un)" --pid-file= \
    --no-resolv --no-hosts --listen-address=127.0.0.1 --bind-interfaces --port=5303 --server=/list.test/127.0.0.1#5399 --address=/here.test/192.0.2.9 >log 2>&1 & pid=$!
python3 - <<'P'
import socket, struct, sys, time

def ask(name, seconds):
    question = b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\0' + struct.pack('>HH', 1, 1)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(seconds)
    s.connect(('127.0.0.1', 5303)); s.send(struct.pack('>HHHHHH', 7, 0x0100, 1, 0, 0, 0) + question)
    try: return 'rcode %d' % (s.recv(512)[3] & 15)
    except OSError: return 'nothing'

for _ in range(50):
    if ask('here.test', 0.2) == 'rcode 0': break
    time.sleep(0.1)
else: sys.exit('dnsmasq did not start')
answers = [ask('%d.list.test' % n, 10 if n in (1, 10) else 1) for n in range(1, 11)]
print('ten questions, the first and the last with ten seconds of patience:', answers)
print('a name of its own meanwhile:', ask('here.test', 2))
assert answers == ['nothing'] * 10, 'changed'
P
