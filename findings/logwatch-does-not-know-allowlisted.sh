#!/usr/bin/env bash
# logwatch 7.7-1 (Debian 12): its Postfix script knows postscreen's old words alone. WHITELISTED and BLACKLISTED are counted;
# ALLOWLISTED and DENYLISTED, which postscreen writes since Postfix 3.6 when respectful_logging is on (the default at compatibility
# level 3.6 and above), land under "Unmatched Entries", a line for each client. Debian 12 ships both, this logwatch and Postfix 3.7.
set -euo pipefail
work=$(mktemp -d); trap 'cd /; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download logwatch=7.7-1 2>/dev/null
dpkg -x logwatch_*.deb root

script=root/usr/share/logwatch/scripts/services/postfix
count() { # count WORD: under which heading a line of it comes
    printf 'Nov 29 09:00:0%d mx postfix/postscreen[100]: %s [192.0.2.%d]:1000\n' 1 "$1" 1 2 "$1" 2 |
        LOGWATCH_DETAIL_LEVEL=10 perl "$script" 2>/dev/null | grep -iE "unmatched|listed" | sed 's/^ */    /; s/  */ /g'
}
for word in WHITELISTED BLACKLISTED ALLOWLISTED DENYLISTED; do echo "$word:"; count $word | tee $word.out; done
for word in WHITELISTED BLACKLISTED; do ! grep -qi unmatched $word.out && grep -q . $word.out || { echo "changed: $word"; exit 1; }; done
for word in ALLOWLISTED DENYLISTED; do grep -qi unmatched $word.out || { echo "changed: $word"; exit 1; }; done
