#!/usr/bin/env bash
# awstats 7.8-3+deb12 (Debian 12), maillogconvert.pl: a mail log whose lines begin with an RFC 3339 time stamp, as rsyslog writes
# them by default since Debian 12, gives an empty output and the exit status 0. The same mail with the classic stamp gives its line.
# A nightly statistics job keeps running and shows days without mail.
set -euo pipefail
work=$(mktemp -d); trap 'cd /; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download awstats 2>/dev/null
version=$(dpkg-deb -f awstats_*.deb Version)
case $version in 7.8-3+deb12*) ;; *) echo "this is about awstats 7.8-3+deb12, not $version"; exit 1 ;; esac
dpkg -x awstats_*.deb root
lines() { # lines STAMP
    cat <<L
$1 mx postfix/smtpd[10]: A1B2C3D4E5: client=mail.good.example[192.0.2.1]
$1 mx postfix/qmgr[11]: A1B2C3D4E5: from=<ann@good.example>, size=1234, nrcpt=1 (queue active)
$1 mx postfix/local[12]: A1B2C3D4E5: to=<bob@mx.example>, relay=local, delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)
$1 mx postfix/qmgr[11]: A1B2C3D4E5: removed
L
}
convert=$(find root -name maillogconvert.pl)
for stamp in 'Nov 29 09:00:01' '2026-11-29T09:00:01.000000+00:00'; do
    status=0; lines "$stamp" | perl "$convert" standard 2026 >out 2>/dev/null || status=$?
    echo "$stamp: $(wc -l <out) lines, exit status $status"
done | tee result
[ "$(cat result)" = "Nov 29 09:00:01: 1 lines, exit status 0
2026-11-29T09:00:01.000000+00:00: 0 lines, exit status 0" ] || { echo "changed"; exit 1; }
