#!/usr/bin/env bash
# lnav 0.11.1-3 (Debian 12): syslog lines of a host whose name has two letters, such as "mx", are not taken for syslog but for
# generic_log, with either time stamp; so program, pid and host are no columns, and filters by them find nothing. A host name of
# three letters is read as syslog_log.
set -euo pipefail
work=$(mktemp -d); trap 'cd /; rm -rf "$work"' EXIT
cd "$work"
libraries=(libarchive13 libbz2-1.0 libcurl3-gnutls libpcre2-8-0 libsqlite3-0 libtinfo6 libncursesw6)
apt-get -qq -o APT::Sandbox::User=root download lnav=0.11.1-3 "${libraries[@]}" 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
export HOME=$work LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu
format() { # format STAMP HOST
    for second in 1 2 3 4 5; do echo "$1:0$second${3:-} $2 postfix/smtpd[10]: connect from mail.good.example[192.0.2.$second]"; done >log
    root/usr/bin/lnav -n -c ';select distinct log_format as f from all_logs' -c ':write-csv-to -' log 2>/dev/null | tail -1
}
for host in mx mx1; do
    echo "$host: $(format 'Nov 29 09:00' $host) $(format '2026-11-29T09:00' $host .123456+00:00)"
done | tee result
[ "$(cat result)" = "mx: generic_log generic_log
mx1: syslog_log syslog_log" ] || { echo "changed"; exit 1; }
