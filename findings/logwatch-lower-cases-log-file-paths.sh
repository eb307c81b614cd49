#!/usr/bin/env bash
# logwatch 7.7-1 (Debian 12): the value of LogFile in a log file group's .conf is changed to lower case before it is used. A mail log
# whose path has a capital letter is not found, and nothing says so: the service has no section in the report, the exit status is 0.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root, for a mount namespace of its own"; exit 1; }
work=/tmp/logwatch-$$-$(date +%s%N); mkdir -m 755 "$work"; # no capitals
trap 'cd /; rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
apt-get -qq -o APT::Sandbox::User=root download logwatch=7.7-1 2>/dev/null
dpkg -x logwatch_*.deb root
mkdir small Capital conf cache
line="$(date '+%b %e') 00:00:01 mx postfix/smtpd[10]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 450 4.7.1 <x.example>: Helo command rejected: Host not found; from=<a@x.example> to=<b@mx.example> proto=SMTP helo=<x.example>"
echo "$line" >small/maillog
echo "$line" >Capital/maillog

report() { # report FOLDER: the heading of postfix's section, if there is one
    printf 'LogFile =\nLogFile = %s/%s/maillog\n*OnlyHost\n*ApplyStdDate\n' "$PWD" "$1" >group.conf
    unshare --mount --propagation private sh -eu -c '
        mkdir -p /usr/share/logwatch /etc/logwatch/conf/logfiles /var/cache/logwatch
        mount --bind root/usr/share/logwatch /usr/share/logwatch
        mount --bind conf /etc/logwatch/conf
        mount --bind cache /var/cache/logwatch
        mkdir -p /etc/logwatch/conf/logfiles
        cp group.conf /etc/logwatch/conf/logfiles/maillog.conf
        perl root/usr/sbin/logwatch --service postfix --range today --detail 5 --output stdout
    ' 2>&1 | grep -io 'postfix begin' || echo nothing
}
for folder in small Capital; do echo "$folder/maillog: $(report "$folder")"; done | tee result
[ "$(cat result)" = "small/maillog: Postfix Begin
Capital/maillog: nothing" ] || { echo "changed"; exit 1; }
