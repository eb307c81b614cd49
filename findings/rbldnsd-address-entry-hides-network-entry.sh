#!/usr/bin/env bash
# rbldnsd 1.0~20210120-2 (Debian 12), ip4set: of the entries that cover an address only the most specific ones answer. A network
# that is listed with one value is silent about an address in it that has an entry of its own with another value, although the
# value of the network is still true of that address. Values are not added up as they are when each category has a zone of its
# own, so a filter for the network's value (`list=127.0.0.5`) misses exactly the addresses that are listed twice.
set -euo pipefail
work=$(mktemp -d); trap 'kill "${pid:-}" 2>/dev/null || :; cd /; rm -rf "$work"' EXIT
cd "$work"; chmod 755 .
apt-get -qq -o APT::Sandbox::User=root download rbldnsd=1.0~20210120-2 2>/dev/null
dpkg -x rbldnsd_*.deb root

cat >zone <<'Z'
$SOA 600 ns.list.test admin.list.test 1 600 300 86400 300
192.0.2.0/24 :127.0.0.5:
192.0.2.7 :127.0.0.9:
Z
root/usr/sbin/rbldnsd -n -u nobody -w "$work" -b 127.0.0.1/5302 list.test:ip4set:zone >log 2>&1 & pid=$!

python3 - <<'P'
import socket, struct, sys, time

def values(address):
    labels = '.'.join(reversed(address.split('.'))) + '.list.test'
    name = b''.join(bytes([len(l)]) + l.encode() for l in labels.split('.')) + b'\0'
    query = struct.pack('>HHHHHH', 7, 0x0100, 1, 0, 0, 0) + name + struct.pack('>HH', 1, 1)
    for _ in range(50):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.2)
        try:
            s.connect(('127.0.0.1', 5302)); s.send(query)
            reply = s.recv(512)
            answers = struct.unpack('>H', reply[6:8])[0]
            # each answer: a pointer to the name, type, class, TTL, length: 12 bytes, then the address
            return sorted(socket.inet_ntoa(reply[len(query) + i * 16 + 12:len(query) + i * 16 + 16]) for i in range(answers))
        except OSError:
            time.sleep(0.1)
    sys.exit('rbldnsd did not answer')

for address in ('192.0.2.6', '192.0.2.7'):
    print(address, values(address))
assert values('192.0.2.6') == ['127.0.0.5'], 'changed: the network'
assert values('192.0.2.7') == ['127.0.0.9'], 'changed: the address in the network'
P
