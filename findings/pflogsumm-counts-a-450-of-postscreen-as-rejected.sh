#!/usr/bin/env bash
# pflogsumm 1.1.5-8 (Debian 12): the 450 with which postscreen ends the first visit of an honest client after its tests behind the
# greeting counts as a rejected message, and the reason printed for it is the sender: the row says "from=<someone@…>" where other
# rejects say why. A site that turns these tests on sees its "rejected" rise by one for each new sender, whose mail arrives minutes
# later; and the mail that comes then is counted as delivered besides.
set -euo pipefail
work=$(mktemp -d); trap 'cd /; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download pflogsumm=1.1.5-8 2>/dev/null
dpkg -x pflogsumm_*.deb root
cat >log <<'L'
Nov 29 09:00:01 mx postfix/postscreen[100]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25
Nov 29 09:00:07 mx postfix/postscreen[100]: NOQUEUE: reject: RCPT from [192.0.2.1]:1001: 450 4.3.2 Service currently unavailable; from=<ann@good.example>, to=<bob@mx.example>, proto=ESMTP, helo=<good.example>
Nov 29 09:00:07 mx postfix/postscreen[100]: PASS NEW [192.0.2.1]:1001
Nov 29 09:00:07 mx postfix/postscreen[100]: DISCONNECT [192.0.2.1]:1001
L
perl root/usr/sbin/pflogsumm log >out 2>&1 || { cat out; exit 1; }
grep -E '^ +[0-9]+ +(received|delivered|rejected)|^message reject detail|RCPT|from=<' out
grep -qE '^ +1 +rejected' out || { echo "changed: it is no longer a rejected message"; exit 1; }
grep -qE 'from=<ann@good.example>' out || { echo "changed: the reason"; exit 1; }
