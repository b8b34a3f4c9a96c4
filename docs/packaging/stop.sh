#!/bin/sh
# Before dpkg or rpm removes the package: stops the daemon, if it runs, and
# leaves no link to its units behind. An upgrade leaves the daemon running, so
# that no transfer is cut; systemctl restart zccp is for whoever runs it.
set -e
case "${1-}" in
remove | 0) ;;
*) exit 0 ;;
esac
if command -v systemctl >/dev/null; then
	systemctl --quiet --no-reload disable zccp.service zccp.socket || :
	if [ -d /run/systemd/system ]; then
		systemctl stop zccp.socket zccp.service || :
	fi
fi
