#!/bin/sh
# Tells systemd that units have come or gone: after dpkg has installed or
# removed the package.
set -e
if [ -d /run/systemd/system ]; then
	systemctl --system daemon-reload || :
fi
