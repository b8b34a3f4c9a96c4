#!/bin/sh
# Installs zccp from an unpacked archive, or from the source once it is built
# there (docs/packaging.md):
#
#	sh docs/packaging/install.sh
#
# PREFIX is where to (/usr/local), DESTDIR what to put before that when a package
# is made, ZSHDIR the directory of zsh's completions below PREFIX.
set -eu
cd "$(dirname "$0")/../.."
prefix=${PREFIX-/usr/local}
to=${DESTDIR-}$prefix

# put MODE DIRECTORY FILE... installs files below the prefix.
put() {
	mode=$1 dir=$to/$2
	shift 2
	install -d -m 755 "$dir"
	install -m "$mode" "$@" "$dir"
}

# put_as MODE PATH FILE installs one under another name.
put_as() {
	install -d -m 755 "$to/${2%/*}"
	install -m "$1" "$3" "$to/$2"
}

put 755 bin zccp
put 644 share/man/man1 docs/man/*.1
put 644 share/man/man7 docs/man/*.7
put 644 share/man/man8 docs/man/*.8
put_as 644 share/bash-completion/completions/zccp docs/completion/zccp.bash
put 644 share/fish/vendor_completions.d docs/completion/zccp.fish
put 644 "${ZSHDIR-share/zsh/site-functions}" docs/completion/_zccp
put_as 644 share/doc/zccp/copyright LICENSE
put_as 644 share/doc/zccp/changelog CHANGELOG.md
put 644 share/doc/zccp README.md
put 644 share/doc/zccp/docs docs/*.md
put 644 share/doc/zccp/docs/picture docs/picture/*
if [ "$(uname)" = Linux ]; then
	put 644 lib/systemd/system docs/systemd/zccp.socket docs/systemd/zccp.service
	sed "s,/usr/bin/zccp,$prefix/bin/zccp," docs/systemd/zccp.service >"$to/lib/systemd/system/zccp.service"
	put_as 644 lib/sysusers.d/zccp.conf docs/systemd/zccp.sysusers
fi
