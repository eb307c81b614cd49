#!/usr/bin/env bash
# BIND 9.18 (Debian 12) as a caching resolver: the owner name of an answer from the cache has the upper and lower case of whoever
# asked for it first, not that of the question beside it. The question section is the asker's. A client that checks the owner of an
# answer byte by byte (as a check on 0x20 mixed case suggests) drops good answers; names have to be compared without case
# (RFC 4343).
set -euo pipefail
work=$(mktemp -d); trap 'kill ${pids:-} 2>/dev/null || :; cd /; rm -rf "$work"' EXIT
cd "$work"; chmod 755 .
apt-get -qq -o APT::Sandbox::User=root download bind9 bind9-libs libuv1 liblmdb0 libmaxminddb0 libjson-c5 libnghttp2-14 libfstrm0 libprotobuf-c1 rbldnsd=1.0~20210120-2 2>/dev/null
version=$(dpkg-deb -f bind9_*.deb Version)
case $version in 1:9.18.*) ;; *) echo "this is about BIND 9.18, not $version"; exit 1 ;; esac
for package in *.deb; do dpkg -x "$package" root; done
printf '%s\n' '$SOA 600 ns.list.test admin.list.test 1 600 300 86400 300' '$NS 600 ns.list.test' '192.0.2.1 :127.0.0.2:' >zone
root/usr/sbin/rbldnsd -n -u nobody -w "$work" -b 127.0.0.1/5304 list.test:ip4set:zone >rbldnsd.log 2>&1 & pids=$!
cat >named.conf <<C
options { directory "$work"; pid-file none; listen-on port 5305 { 127.0.0.1; }; listen-on-v6 { none; }; recursion yes; dnssec-validation no; session-keyfile none; };
controls { };
zone "list.test" { type forward; forward only; forwarders { 127.0.0.1 port 5304; }; };
C
LD_LIBRARY_PATH=$(echo root/usr/lib/*-linux-gnu) root/usr/sbin/named -f -n 1 -c named.conf >named.log 2>&1 & pids="$pids $!"
python3 - <<'P'
import socket, struct, sys, time

def name_at(message, at):
    labels = []
    while True:
        size = message[at]
        if size == 0: return '.'.join(labels)
        if size >= 192:
            return '.'.join(labels + ([name_at(message, (size & 63) << 8 | message[at + 1])]))
        labels.append(message[at + 1:at + 1 + size].decode()); at += 1 + size

def ask(name):
    question = b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\0' + struct.pack('>HH', 1, 1)
    for _ in range(100):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.5)
        s.connect(('127.0.0.1', 5305))
        try:
            s.send(struct.pack('>HHHHHH', 7, 0x0100, 1, 0, 0, 0) + question)
            reply = s.recv(512)
            if struct.unpack('>H', reply[6:8])[0]: return name_at(reply, 12), name_at(reply, 12 + len(question))
        except OSError: pass
        time.sleep(0.1)
    sys.exit('no answer; ' + open('named.log').read()[-500:])

first, second = ask('1.2.0.192.bl.LIST.test'.replace('bl.', '')), ask('1.2.0.192.list.TEST')
print('first:  question %s, answer for %s' % first)
print('second: question %s, answer for %s' % second)
assert first[1] == first[0] and second[0] == '1.2.0.192.list.TEST' and second[1] == first[0], 'changed'
P
