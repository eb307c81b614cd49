#!/usr/bin/env bash
# Postfix 3.7 (Debian 12): a comment behind the command of a service in master.cf is not a comment. Its words are arguments of
# the program, and the program stops reading options at the first word that is none. Every `-o name=value` on the lines below is
# then ignored: `postconf -P` does not list them, `postfix check` says nothing, and postconf exits with 0. The same lines without
# the comment are in force.
set -euo pipefail
work=$(mktemp -d); trap 'cd /; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download postfix 2>/dev/null
version=$(dpkg-deb -f postfix_*.deb Version)
case $version in 3.7.*) ;; *) echo "this is about Postfix 3.7, not $version"; exit 1 ;; esac
dpkg -x postfix_*.deb root
echo "Postfix $version"

mkdir with without
for folder in with without; do printf 'compatibility_level = 3.7\n' >$folder/main.cf; done
printf '%s\n' 'smtp inet n - n - 1 postscreen # the gate' '  -o postscreen_greet_wait=3s' '  -o postscreen_greet_action=enforce' >with/master.cf
printf '%s\n' 'smtp inet n - n - 1 postscreen' '  -o postscreen_greet_wait=3s' '  -o postscreen_greet_action=enforce' >without/master.cf

run() { LD_LIBRARY_PATH=root/usr/lib/postfix root/usr/sbin/postconf -c "$work/$1" -P 2>&1; }
echo "--- without a comment"; run without | tee without.out
echo "--- with a comment"; run with | tee with.out
[ "$(grep -c '^smtp/inet/postscreen_greet' without.out)" = 2 ] || { echo "changed: options without a comment"; exit 1; }
[ ! -s with.out ] || { echo "changed: options behind a comment count, or are warned of"; exit 1; }
