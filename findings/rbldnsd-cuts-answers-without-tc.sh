#!/usr/bin/env bash
# rbldnsd 1.0~20210120-2 (Debian 12): an answer that does not fit into 512 bytes is cut, and the TC bit that would tell the
# resolver to ask again is not set. A name with 40 values is answered with 29 of them, as if there were no more; with EDNS all 40
# come. The AA bit is cleared in the cut answer. A filter for one of the values that were left out (postscreen's
# `list=127.0.0.41`, for example) never matches, and nothing says so. Who asks such a server should always ask with EDNS.
set -euo pipefail
work=$(mktemp -d); trap 'kill "${pid:-}" 2>/dev/null || :; cd /; rm -rf "$work"' EXIT
cd "$work"; chmod 755 .
apt-get -qq -o APT::Sandbox::User=root download rbldnsd=1.0~20210120-2 2>/dev/null
dpkg -x rbldnsd_*.deb root

{ echo '$SOA 600 ns.list.test admin.list.test 1 600 300 86400 300'; echo '$NS 600 ns.list.test'
  for i in $(seq 2 41); do echo "192.0.2.1 :127.0.0.$i:"; done; } >zone
root/usr/sbin/rbldnsd -n -u nobody -w "$work" -b 127.0.0.1/5301 list.test:ip4set:zone >log 2>&1 & pid=$!

python3 - <<'P'
import socket, struct, sys, time

def ask(edns):
    name = b''.join(bytes([len(l)]) + l for l in b'1.2.0.192.list.test'.split(b'.')) + b'\0'
    query = struct.pack('>HHHHHH', 7, 0x0100, 1, 0, 0, 1 if edns else 0) + name + struct.pack('>HH', 1, 1)
    if edns:
        query += b'\0' + struct.pack('>HHIH', 41, edns, 0, 0)
    for _ in range(50):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.2)
        try:
            s.connect(('127.0.0.1', 5301)); s.send(query)
            reply = s.recv(4096)
            flags, _, answers = struct.unpack('>HHH', reply[2:8])
            return {'answers': answers, 'bytes': len(reply), 'tc': bool(flags & 0x200), 'aa': bool(flags & 0x400)}
        except OSError:
            time.sleep(0.1)
    sys.exit('rbldnsd did not answer')

plain, edns = ask(0), ask(1232)
print('without EDNS:', plain)
print('EDNS, 1232 bytes:', edns)
assert plain['answers'] == 29 and not plain['tc'] and not plain['aa'], 'changed: the plain answer'
assert edns['answers'] == 40 and not edns['tc'] and edns['aa'], 'changed: the answer with EDNS'
P
