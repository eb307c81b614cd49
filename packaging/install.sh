#!/bin/sh
# Installs Postern from the unpacked tarball that this file is in; as root. --remove takes it away again, and leaves /etc/postern.
set -eu
cd "$(dirname "$0")"
[ "$(id -u)" = 0 ] || { echo "install.sh: run it as root" >&2; exit 1; }

files() { (cd root && find . -mindepth 1 ! -type d | sed 's/^\.//'); }
if [ "${1:-}" = --remove ]; then
    files | while read -r file; do rm -f "$file"; done
    rm -rf /usr/lib/postern /usr/share/doc/postern
    echo "Removed. What you made (/etc/postern) and what was remembered (/var/lib/postern) is still there."
    exit 0
fi

cp -a --no-preserve=ownership root/. /
if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers /usr/lib/sysusers.d/postern.conf
elif ! id postern >/dev/null 2>&1; then
    useradd --system --home-dir /var/lib/postern --shell /usr/sbin/nologin postern
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
echo "Installed: $(/usr/sbin/postern --version | head -1). Next: man postern, or /usr/share/doc/postern/installing.md"
