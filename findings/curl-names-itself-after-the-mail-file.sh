#!/usr/bin/env bash
# curl 7.88.1 (Debian 12): `curl smtp://server/ --upload-file mail.txt …` says "EHLO mail.txt". With a URL that has no path curl
# appends the name of the file that it uploads, as it does for FTP and HTTP; and in an SMTP URL the path is the name to say in EHLO.
# So the mail server sees the name of a local file as the client's host name. From standard input (`--upload-file -`) it is the local host's name.
set -euo pipefail
work=$(mktemp -d); trap 'kill "${pid:-}" 2>/dev/null || :; cd /; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download curl libcurl4 2>/dev/null
version=$(dpkg-deb -f curl_*.deb Version)
case $version in 7.88.1-*) ;; *) echo "this is about curl 7.88.1, not $version"; exit 1 ;; esac
for package in *.deb; do dpkg -x "$package" root; done

cat >server.py <<'P'
import socket, sys
listener = socket.create_server(('127.0.0.1', 2591))
open('listening', 'w').close()
for _ in range(2):
    client, _ = listener.accept()
    stream = client.makefile('rwb')
    def say(text): stream.write(text + b'\r\n'); stream.flush()
    say(b'220 server.test ESMTP')
    for line in stream:
        word = line[:4].upper()
        if word == b'EHLO': print(line.decode().rstrip(), flush=True)
        if word == b'DATA':
            say(b'354 go on')
            while stream.readline() not in (b'.\r\n', b''): pass
        say(b'221 bye' if word == b'QUIT' else b'250 ok')
        if word == b'QUIT': break
    client.close()
P
python3 server.py >said & pid=$!
for _ in $(seq 50); do [ -e listening ] && break; sleep 0.1; done
printf 'Subject: test\r\n\r\nhello\r\n' >mail.txt
for file in mail.txt -; do
    LD_LIBRARY_PATH=$(echo root/usr/lib/*-linux-gnu) root/usr/bin/curl -sS --max-time 20 --mail-from a@client.test --mail-rcpt b@server.test --upload-file "$file" smtp://127.0.0.1:2591/ <mail.txt
done
wait "$pid"; pid=
echo "curl $version, from a named file, and from standard input:"; sed "s/$(hostname)/HOST/" said
[ "$(sed -n 1p said)" = "EHLO mail.txt" ] || { echo "changed: a named file"; exit 1; }
[ "$(sed -n 2p said)" != "EHLO mail.txt" ] || { echo "changed: standard input"; exit 1; }
