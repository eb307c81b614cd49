#!/usr/bin/env bash
# Postfix 3.7 (Debian 12): postscreen_dnsbl_ttl, the old name that the default of postscreen_dnsbl_max_ttl still refers to, is
# taken for a number of hours: the default puts an "h" behind it. A site that wrote `postscreen_dnsbl_ttl = 5m` has a longest
# time to live of `5mh`, for which postscreen will not start; one that wrote `90` and thought of seconds has 90 hours. Other time
# parameters take a bare number in their own default unit and accept a unit without harm. postconf shows the value and warns of
# nothing.
set -euo pipefail
work=$(mktemp -d); trap 'cd /; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download postfix 2>/dev/null
version=$(dpkg-deb -f postfix_*.deb Version)
case $version in 3.7.*) ;; *) echo "this is about Postfix 3.7, not $version"; exit 1 ;; esac
dpkg -x postfix_*.deb root
echo "Postfix $version"

mkdir config; : >config/master.cf
value() { printf 'compatibility_level = 3.7\npostscreen_dnsbl_ttl = %s\n' "$1" >config/main.cf
          LD_LIBRARY_PATH=root/usr/lib/postfix root/usr/sbin/postconf -c "$work/config" -x -h postscreen_dnsbl_max_ttl 2>&1; }
for ttl in 5m 90 1h; do printf 'postscreen_dnsbl_ttl = %-3s gives postscreen_dnsbl_max_ttl = %s\n' $ttl "$(value $ttl)"; done | tee out
grep -q '= 5m .* = 5mh$' out && grep -q '= 90 .* = 90h$' out && grep -q '= 1h .* = 1hh$' out || { echo "changed"; exit 1; }
