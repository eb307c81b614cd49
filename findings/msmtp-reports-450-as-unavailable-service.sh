#!/usr/bin/env bash
# msmtp 1.8.23 (Debian 12): when the server answers 450 to RCPT (greylisting, postscreen's tests behind the greeting) msmtp ends
# with 69, EX_UNAVAILABLE, not with 75, EX_TEMPFAIL, "the user is invited to retry" (sysexits.h); 550 gives 65, EX_DATAERR. A script that
# tries again on 75 alone, as for sendmail(1), loses each mail to a site that it writes to for the first time.
set -euo pipefail
work=$(mktemp -d); trap 'kill "${pid:-}" 2>/dev/null || :; cd /; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download msmtp=1.8.23-1 libsecret-1-0 libidn12 libgsasl18 libgssglue1 libntlm0 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat >server.py <<'P'
import socket
listener = socket.create_server(('127.0.0.1', 2592))
for reply in (b'450 4.3.2 Service currently unavailable', b'550 5.7.1 no'):
    client, _ = listener.accept()
    stream = client.makefile('rwb')
    def say(text): stream.write(text + b'\r\n'); stream.flush()
    say(b'220 server.test ESMTP')
    for line in stream:
        word = line[:4].upper()
        say(reply if word == b'RCPT' else b'221 bye' if word == b'QUIT' else b'250 ok')
        if word == b'QUIT': break
    client.close()
P
python3 server.py & pid=$!
for reply in 450 550; do
    for _ in $(seq 50); do
        status=0
        printf 'Subject: test\n\nhello\n' | LD_LIBRARY_PATH=$(echo root/usr/lib/*-linux-gnu) timeout 20 root/usr/bin/msmtp -C /dev/null --host=127.0.0.1 --port=2592 --from=a@client.test b@server.test 2>err || status=$?
        grep -q 'cannot connect' err || break; sleep 0.1
    done
    echo "$reply at RCPT: exit status $status"
done | tee out
[ "$(cat out)" = "450 at RCPT: exit status 69
550 at RCPT: exit status 65" ] || { cat err; echo "changed"; exit 1; }
