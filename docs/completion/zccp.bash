# bash completion of zccp, made from its tables of options: "zccp completion bash".
#
# What has been typed is compared, never evaluated. The package bash-completion
# is used for names of hosts if it is loaded; nothing else needs it.

# _zccp_names MODE: sets names to the options of a mode.
_zccp_names() {
	case $1 in
	copy)
		names='--archive -a --recursive -R -r --one-file-system -x --no-dereference -P --dereference -L -H -d
			--link -l --symbolic-link -s --attributes-only --copy-contents --parents --strip-trailing-slashes
			--target-directory= -t --no-target-directory -T --force -f --interactive -i --no-clobber -n --update
			-u --remove-destination --keep-directory-symlink --backup -b --suffix= -S -p --preserve
			--no-preserve= -Z --context --reflink --sparse= --verbose -v --debug --help --version -V --jobs= -j
			--progress -g --stats-interval= --quiet -q --fail-fast --explain --stats --json --dry-run --verify
			--fsync --inplace --atomic= --method= --preserve-sharing --cache= --bwlimit= --path --remote= --ssh=
			-e --rsh= --remote-zccp= --data-ports= --security= --ktls= --streams= --key= --compress -z
			--contimeout= --timeout='
		;;
	sync | plan)
		names='--archive -a --recursive -r --no-recursive --no-r --dirs -d --old-dirs --old-d --no-dirs --no-d
			--relative -R --no-relative --no-R --implied-dirs --i-d --no-implied-dirs --no-i-d --one-file-system
			-x --no-one-file-system --no-x --prune-empty-dirs -m --no-prune-empty-dirs --no-m --files-from=
			--from0 -0 --no-from0 --max-size= --min-size= --mkpath --no-mkpath --links -l --no-links --no-l
			--copy-links -L --copy-unsafe-links --safe-links --munge-links --no-munge-links --copy-dirlinks -k
			--keep-dirlinks -K --checksum -c --no-checksum --no-c --checksum-choice= --cc= --ignore-times -I
			--size-only --modify-window= -@ --update -u --existing --ignore-non-existing --ignore-existing
			--compare-dest= --copy-dest= --link-dest= --delete --delete-before --delete-during --del
			--delete-delay --delete-after --delete-excluded --delete-missing-args --ignore-missing-args
			--ignore-errors --no-ignore-errors --force --no-force --max-delete= --remove-source-files
			--remove-sent-files --filter= -f -F --exclude= --exclude-from= --include= --include-from=
			--cvs-exclude -C --perms -p --no-perms --no-p --executability -E --chmod= --acls -A --no-acls --no-A
			--xattrs -X --no-xattrs --no-X --owner -o --no-owner --no-o --group -g --no-group --no-g
			--numeric-ids --no-numeric-ids --usermap= --groupmap= --chown= --hard-links -H --no-hard-links
			--no-H -D --no-D --devices --no-devices --specials --no-specials --drop-D --no-drop-D --copy-devices
			--write-devices --no-write-devices --times -t --no-times --no-t --omit-dir-times -O
			--no-omit-dir-times --no-O --omit-link-times -J --no-omit-link-times --no-J --atimes -U --no-atimes
			--no-U --open-noatime --no-open-noatime --super --no-super --fake-super --backup -b --no-backup
			--backup-dir= --suffix= --inplace --no-inplace --append --no-append --append-verify --whole-file -W
			--no-whole-file --no-W --fuzzy -y --no-fuzzy --no-y --block-size= -B --sparse -S --no-sparse --no-S
			--preallocate --partial --no-partial --partial-dir= --delay-updates --no-delay-updates --temp-dir=
			-T --fsync --bwlimit= --no-bwlimit --timeout= --no-timeout --stop-after= --time-limit= --stop-at=
			--dry-run -n --verbose -v --no-verbose --no-v --info= --debug= --quiet -q --itemize-changes -i
			--no-itemize-changes --no-i --out-format= --log-format= --log-file= --log-file-format= --stats
			--human-readable -h --no-human-readable --no-h --progress --no-progress -P --8-bit-output -8
			--no-8-bit-output --no-8 --list-only --outbuf= --stderr= --msgs2stderr --no-msgs2stderr --version -V
			--help --remote= --ssh= -e --rsh= --remote-zccp= --rsync-path= --path= --data-ports= --security=
			--ktls= --streams= --key= --compress -z --no-compress --no-z --compress-choice= --zc= --contimeout=
			--no-contimeout --jobs= -j --allow-mass-delete --detect-renames --reflink-dest= --resume --gitignore
			--preserve-sharing --reflink --method= --cache= --verify --fail-fast --explain --json
			--inc-recursive --i-r --no-inc-recursive --no-i-r --old-compress --new-compress --compress-level=
			--zl= --compress-threads= --zt= --skip-compress= --address= --port= --sockopts= --blocking-io
			--no-blocking-io --ipv4 -4 --ipv6 -6 --motd --no-motd --early-input= --old-args --no-old-args
			--secluded-args -s --protect-args --no-secluded-args --no-protect-args --no-s --trust-sender
			--insecure-links --no-insecure-links --checksum-seed= --max-alloc= --iconv= --no-iconv --qsort'
		;;
	serve)
		names='--stdio --root= --read-only --append-only --allow-plain --config= --listen= --help'
		;;
	keygen)
		names='--show --help'
		;;
	apply)
		names='--dry-run -n --verbose -v --quiet -q --itemize-changes -i --out-format= --log-format= --stats
			--human-readable -h --progress --8-bit-output -8 --help --jobs= -j --fail-fast --explain --json'
		;;
	verify)
		names='--ignore= --quick --hash --modify-window= --sparse --jobs= -j --json --quiet -q --help'
		;;
	probe)
		names='--json --help'
		;;
	'bench tree')
		names='--cold --html= --json --keep --help --against= --dir= --rounds= --jobs= -j --files= --shape='
		;;
	'bench file')
		names='--cold --html= --json --keep --help --against= --dir= --rounds= --jobs= -j --size='
		;;
	'bench sync')
		names='--cold --html= --json --keep --help --against= --dir= --rounds= --jobs= -j --files='
		;;
	'bench remote')
		names='--cold --html= --json --keep --help --dir= --files= --rounds= --size= --to= --way='
		;;
	'bench methods')
		names='--cold --html= --json --keep --help --fsync --method= --size= --transfers= --rounds='
		;;
	'bench send')
		names='--cold --html= --json --keep --help --fsync --method= --size= --transfers= --rounds= --to='
		;;
	help)
		names='--man --help'
		;;
	completion)
		names='--help'
		;;
	esac
}

# _zccp_value MODE OPTION: sets kind to what the value of an option is, words to
# those it may be, and attached if it can only follow a =. kind is empty if there
# is no value.
_zccp_value() {
	kind= words= attached=
	case "$1 $2" in
	'copy --target-directory' | 'copy -t' | 'sync --compare-dest' | 'sync --copy-dest' | \
		'sync --link-dest' | 'sync --backup-dir' | 'sync --partial-dir' | 'sync --temp-dir' | 'sync -T' | \
		'sync --reflink-dest' | 'serve --root' | 'plan --compare-dest' | 'plan --copy-dest' | \
		'plan --link-dest' | 'plan --backup-dir' | 'plan --partial-dir' | 'plan --temp-dir' | 'plan -T' | \
		'plan --reflink-dest' | 'bench tree --dir' | 'bench file --dir' | 'bench sync --dir' | \
		'bench remote --dir' | 'bench remote --to')
		kind=directory
		;;
	'copy --update')
		kind=word words='all none none-fail older' attached=1
		;;
	'copy --backup')
		kind=word words='none off simple never existing nil numbered t' attached=1
		;;
	'copy --suffix' | 'copy -S' | 'copy --remote-zccp' | 'copy --data-ports' | 'sync --filter' | \
		'sync -f' | 'sync --exclude' | 'sync --include' | 'sync --chmod' | 'sync --usermap' | \
		'sync --groupmap' | 'sync --chown' | 'sync --suffix' | 'sync --block-size' | 'sync -B' | \
		'sync --stop-at' | 'sync --out-format' | 'sync --log-format' | 'sync --log-file-format' | \
		'sync --remote-zccp' | 'sync --rsync-path' | 'sync --data-ports' | 'sync --compress-level' | \
		'sync --zl' | 'sync --compress-threads' | 'sync --zt' | 'sync --skip-compress' | 'sync --address' | \
		'sync --port' | 'sync --sockopts' | 'sync --early-input' | 'sync --checksum-seed' | \
		'sync --max-alloc' | 'sync --iconv' | 'serve --listen' | 'plan --filter' | 'plan -f' | \
		'plan --exclude' | 'plan --include' | 'plan --chmod' | 'plan --usermap' | 'plan --groupmap' | \
		'plan --chown' | 'plan --suffix' | 'plan --block-size' | 'plan -B' | 'plan --stop-at' | \
		'plan --out-format' | 'plan --log-format' | 'plan --log-file-format' | 'plan --remote-zccp' | \
		'plan --rsync-path' | 'plan --data-ports' | 'plan --compress-level' | 'plan --zl' | \
		'plan --compress-threads' | 'plan --zt' | 'plan --skip-compress' | 'plan --address' | 'plan --port' | \
		'plan --sockopts' | 'plan --early-input' | 'plan --checksum-seed' | 'plan --max-alloc' | \
		'plan --iconv' | 'apply --out-format' | 'apply --log-format')
		kind=text
		;;
	'copy --preserve')
		kind=list words='mode timestamps ownership links context xattr all' attached=1
		;;
	'copy --no-preserve')
		kind=list words='mode timestamps ownership links context xattr all'
		;;
	'copy --context')
		kind=text attached=1
		;;
	'copy --reflink' | 'copy --preserve-sharing' | 'sync --preserve-sharing' | 'sync --reflink' | \
		'plan --preserve-sharing' | 'plan --reflink')
		kind=word words='auto always never' attached=1
		;;
	'copy --sparse')
		kind=word words='never auto always'
		;;
	'copy --jobs' | 'copy -j' | 'copy --stats-interval' | 'copy --bwlimit' | 'copy --streams' | \
		'copy --contimeout' | 'copy --timeout' | 'sync --max-size' | 'sync --min-size' | \
		'sync --modify-window' | 'sync -@' | 'sync --max-delete' | 'sync --bwlimit' | 'sync --timeout' | \
		'sync --stop-after' | 'sync --time-limit' | 'sync --streams' | 'sync --contimeout' | 'sync --jobs' | \
		'sync -j' | 'plan --max-size' | 'plan --min-size' | 'plan --modify-window' | 'plan -@' | \
		'plan --max-delete' | 'plan --bwlimit' | 'plan --timeout' | 'plan --stop-after' | \
		'plan --time-limit' | 'plan --streams' | 'plan --contimeout' | 'plan --jobs' | 'plan -j' | \
		'apply --jobs' | 'apply -j' | 'verify --modify-window' | 'verify --jobs' | 'verify -j' | \
		'bench tree --rounds' | 'bench tree --jobs' | 'bench tree -j' | 'bench tree --files' | \
		'bench file --rounds' | 'bench file --jobs' | 'bench file -j' | 'bench file --size' | \
		'bench sync --rounds' | 'bench sync --jobs' | 'bench sync -j' | 'bench sync --files' | \
		'bench remote --files' | 'bench remote --rounds' | 'bench remote --size' | 'bench methods --size' | \
		'bench methods --transfers' | 'bench methods --rounds' | 'bench send --size' | \
		'bench send --transfers' | 'bench send --rounds')
		kind=number
		;;
	'copy --progress')
		kind=word words='auto bar plain json none' attached=1
		;;
	'copy --verify' | 'sync --verify' | 'plan --verify' | 'verify --hash')
		kind=word words='xxh3 blake3' attached=1
		;;
	'copy --fsync')
		kind=word words='none data full batch' attached=1
		;;
	'copy --atomic')
		kind=word words='tree'
		;;
	'copy --method' | 'sync --method' | 'plan --method')
		kind=list words='auto readwrite mmap sendfile splice copy_file_range reflink direct dontcache'
		;;
	'copy --cache' | 'sync --cache' | 'plan --cache')
		kind=word words='auto keep drop'
		;;
	'copy --path')
		kind=word words='auto direct ssh' attached=1
		;;
	'copy --remote' | 'sync --remote' | 'plan --remote')
		kind=host
		;;
	'copy --ssh' | 'copy -e' | 'copy --rsh' | 'sync --ssh' | 'sync -e' | 'sync --rsh' | 'plan --ssh' | \
		'plan -e' | 'plan --rsh')
		kind=command
		;;
	'copy --security' | 'sync --security' | 'plan --security')
		kind=word words='tls plain'
		;;
	'copy --ktls' | 'sync --ktls' | 'plan --ktls')
		kind=word words='auto off require'
		;;
	'copy --key' | 'sync --files-from' | 'sync --exclude-from' | 'sync --include-from' | \
		'sync --log-file' | 'sync --key' | 'serve --config' | 'plan --files-from' | 'plan --exclude-from' | \
		'plan --include-from' | 'plan --log-file' | 'plan --key' | 'bench tree --html' | 'bench file --html' | \
		'bench sync --html' | 'bench remote --html' | 'bench methods --html' | 'bench send --html')
		kind=file
		;;
	'sync --checksum-choice' | 'sync --cc' | 'plan --checksum-choice' | 'plan --cc')
		kind=word words='auto xxh128'
		;;
	'sync --info' | 'plan --info')
		kind=list words='backup copy del flist misc mount name nonreg progress remove skip stats symsafe all none help'
		;;
	'sync --debug' | 'plan --debug')
		kind=list words='none help'
		;;
	'sync --outbuf' | 'plan --outbuf')
		kind=word words='none unbuffered line block full'
		;;
	'sync --stderr' | 'plan --stderr')
		kind=word words='errors all client'
		;;
	'sync --path' | 'plan --path')
		kind=word words='auto direct ssh'
		;;
	'sync --compress-choice' | 'sync --zc' | 'plan --compress-choice' | 'plan --zc')
		kind=word words='auto zstd none'
		;;
	'verify --ignore')
		kind=list words='mode owner group times dirtimes acl xattr links'
		;;
	'bench tree --against' | 'bench file --against')
		kind=list words='cp rsync'
		;;
	'bench tree --shape')
		kind=word words='tree flat links'
		;;
	'bench sync --against')
		kind=list words='rsync'
		;;
	'bench remote --way')
		kind=list words='zccp-plain zccp-tls zccp-ssh rsync-daemon rsync-ssh'
		;;
	'bench methods --method')
		kind=list words='readwrite mmap sendfile splice copy_file_range reflink direct dontcache'
		;;
	'bench send --method')
		kind=list words='readwrite mmap sendfile splice'
		;;
	'bench send --to')
		kind=list words='null file'
		;;
	esac
}

# _zccp_operand MODE: sets kind and words for the operands of a mode.
_zccp_operand() {
	kind=none words=
	case $1 in
	copy | sync)
		kind=host
		;;
	keygen | plan | apply | verify | probe)
		kind=file
		;;
	bench)
		kind=word words='tree file sync remote methods send'
		;;
	'bench methods' | 'bench send')
		kind=directory
		;;
	help)
		kind=word words='copy sync serve keygen plan apply verify probe bench version help completion filter paths environment exit-codes'
		;;
	completion)
		kind=word words='bash zsh fish'
		;;
	esac
}

# _zccp_split puts the words up to the cursor into line; those that bash parts at
# : = and @ are whole again. cur is the last of them, and prefix what readline
# keeps of it and replies must not repeat.
_zccp_split() {
	local text=${COMP_LINE:0:COMP_POINT} piece gap i n=0
	line=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		gap=${text%%[![:space:]]*}
		text=${text#"$gap"}
		piece=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || piece=$text
		text=${text#"$piece"}
		if [[ $n -gt 0 && -z $gap && ($piece == [:=@]* || ${line[n - 1]} == *[:=@]) ]]; then
			line[n - 1]+=$piece
		else
			line[n++]=$piece
		fi
	done
	cur=${line[n - 1]}
	prefix=$cur
	[[ $piece != *[!:=@]* ]] || prefix=${cur%"$piece"}
	# To readline an @ belongs to what is behind it.
	prefix=${prefix%@}
}

# _zccp_add LEAD END WORD...: offers those words that, behind LEAD, go on with cur.
_zccp_add() {
	local lead=$1 end=$2 word
	shift 2
	for word; do
		word=$lead$word$end
		[[ $word != "$cur"* ]] || COMPREPLY+=("${word#"$prefix"}")
	done
}

# _zccp_add_name NAME: offers lead and NAME, which is that of a file, with quotes
# where it needs some. A name that ends in / is that of a directory.
_zccp_add_name() {
	local name=$lead$1 quoted
	printf -v quoted %q "${name#"$prefix"}"
	[[ $name == */ ]] || quoted+=' '
	COMPREPLY+=("$quoted")
}

# _zccp_files offers the files that go on with rest, in which no byte needs quotes.
# It is for where other things are offered too; elsewhere readline does it.
_zccp_files() {
	local file failglob=
	! shopt -q failglob || failglob=1
	shopt -u failglob
	for file in "$rest"*; do
		if [[ -d $file ]]; then
			_zccp_add_name "$file/"
		elif [[ -e $file || -L $file ]]; then
			_zccp_add_name "$file"
		fi
	done
	[[ -z $failglob ]] || shopt -s failglob
}

# _zccp_known_hosts: sets hosts to the names of hosts that go on with $1.
_zccp_known_hosts() {
	local file name
	local -a fields found
	hosts=()
	if declare -F _known_hosts_real >/dev/null; then
		local -a COMPREPLY=()
		_known_hosts_real -a -- "$1"
		found=("${COMPREPLY[@]}")
	else
		found=()
		for file in ~/.ssh/config /etc/ssh/ssh_config; do
			[[ -r $file ]] || continue
			while read -r -a fields; do
				[[ ${fields-} != [Hh]ost ]] || found+=("${fields[@]:1}")
			done <"$file"
		done
		for file in ~/.ssh/known_hosts /etc/ssh/ssh_known_hosts; do
			[[ -r $file ]] || continue
			while read -r -a fields; do
				[[ ${fields-} != [@#]* ]] || continue
				IFS=, read -r -a fields <<<"${fields-}"
				for name in "${fields[@]}"; do
					name=${name#[}
					found+=("${name%%]*}")
				done
			done <"$file"
		done
		if [[ -r /etc/hosts ]]; then
			while read -r -a fields; do
				[[ ${fields-} == [#]* ]] || found+=("${fields[@]:1}")
			done </etc/hosts
		fi
	fi
	for name in "${found[@]}"; do
		# Patterns, hashes, comments and addresses of IPv6 are no names to type.
		[[ -z $name || $name == *[!A-Za-z0-9._-]* || $name != "$1"* ]] || hosts+=("$name")
	done
}

# _zccp_hosts offers the hosts that go on with rest, which may begin with USER@.
_zccp_hosts() {
	local user= hosts
	[[ $rest != *@* ]] || user=${rest%@*}@
	_zccp_known_hosts "${rest##*@}"
	[[ ${#hosts[@]} -eq 0 ]] || _zccp_add "$lead$user" : "${hosts[@]}"
}

# _zccp_remote offers what is on another machine and goes on with rest, HOST:PATH,
# in which no byte means anything to a shell. It is asked by ssh, without passwords.
_zccp_remote() {
	local host=${rest%%:*} path=${rest#*:} file
	[[ -n $host ]] || return
	while IFS= read -r file; do
		[[ $file != "$path"* ]] || _zccp_add_name "$host:$file"
	done < <(command ssh -ax -o BatchMode=yes -o ConnectTimeout=5 -- "$host" "ls -d1pL -- '$path'*" 2>/dev/null </dev/null)
}

# _zccp_option COMPOPT-ARGUMENT...: changes how readline goes on from here. bash 3
# has no compopt: there files are offered where there is nothing else.
_zccp_option() {
	compopt "$@" 2>/dev/null
	return 0
}

# _zccp_complete LEAD: completes what follows LEAD in cur, by kind and words.
# Without a reply and an option readline completes the name of a file.
_zccp_complete() {
	local lead=$1 rest=${cur#"$1"} word had
	case $kind in
	word)
		_zccp_option +o default
		_zccp_add "$lead" '' $words
		;;
	list)
		_zccp_option +o default -o nospace
		had=
		[[ $rest != *,* ]] || had=${rest%,*},
		for word in $words; do
			[[ ,$had == *",$word,"* ]] || _zccp_add "$lead$had" '' "$word"
		done
		;;
	command)
		_zccp_option +o default
		[[ -n $rest && $rest != *[!A-Za-z0-9._/+-]* ]] || return
		while IFS= read -r word; do
			_zccp_add "$lead" '' "$word"
		done < <(compgen -c -- "$rest")
		;;
	directory) _zccp_option +o default -o dirnames ;;
	file) ;;
	host)
		case $rest in
		zccp://* | -*) _zccp_option +o default ;;
		*/*:* | [./~]*) ;;
		*[!A-Za-z0-9._/:@%+,=-]*) [[ $rest != *:* ]] || _zccp_option +o default ;;
		*:*)
			_zccp_option +o default -o nospace
			_zccp_remote
			;;
		?*)
			_zccp_hosts
			if [[ ${#COMPREPLY[@]} -gt 0 ]]; then
				_zccp_option -o nospace
				_zccp_files
			fi
			;;
		esac
		;;
	*) _zccp_option +o default ;;
	esac
}

_zccp() {
	local IFS=$' \t\n' cur prefix line names kind words attached i j word
	local mode=copy operands=0 ended= option= first=
	COMPREPLY=()
	_zccp_split
	case ${line[0]##*/} in
	cp) ;;
	rsync) mode=sync ;;
	*) first=1 ;;
	esac
	for ((i = 1; i < ${#line[@]} - 1; i++)); do
		word=${line[i]}
		if [[ -n $option ]]; then
			option=
		elif [[ -n $ended ]]; then
			operands=$((operands + 1))
		elif [[ $word == -- ]]; then
			ended=1
		elif [[ $word == --*=* ]]; then
			:
		elif [[ $word == --* ]]; then
			_zccp_value "$mode" "$word"
			[[ -z $kind || -n $attached ]] || option=$word
		elif [[ $word == -?* ]]; then
			for ((j = 1; j < ${#word}; j++)); do
				_zccp_value "$mode" "-${word:j:1}"
				[[ -n $kind ]] || continue
				((j < ${#word} - 1)) || option=-${word:j:1}
				break
			done
		elif [[ -n $first && $i -eq 1 && " sync serve keygen plan apply verify probe bench version help completion " == *" $word "* ]]; then
			mode=$word
		elif [[ $mode == bench && $i -eq 2 ]]; then
			mode="bench $word"
		else
			operands=$((operands + 1))
		fi
	done
	case ${line[i - 1]} in
	[\<\>]*) return ;;
	esac
	if [[ -n $option ]]; then
		_zccp_value "$mode" "$option"
		_zccp_complete ''
	elif [[ -z $ended && $cur == --*=* ]]; then
		_zccp_value "$mode" "${cur%%=*}"
		_zccp_complete "${cur%%=*}="
	elif [[ -z $ended && $cur == -* ]]; then
		_zccp_option +o default
		names=
		_zccp_names "$mode"
		_zccp_add '' '' $names
		[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY-} != *= ]] || _zccp_option -o nospace
	else
		_zccp_operand "$mode"
		[[ $kind != word || $operands -eq 0 ]] || kind=none
		_zccp_complete ''
		if [[ -n $first && $i -eq 1 && $cur != *[!a-z]* ]]; then
			_zccp_commands
		fi
	fi
}

# _zccp_commands offers the words that choose a mode, beside what was offered: hosts
# with files, or nothing.
_zccp_commands() {
	local lead= rest=$cur others=${#COMPREPLY[@]}
	_zccp_add '' ' ' sync serve keygen plan apply verify probe bench version help completion
	if [[ ${#COMPREPLY[@]} -gt $others ]]; then
		_zccp_option -o nospace
		[[ $others -gt 0 ]] || _zccp_files
	fi
}

complete -o default -F _zccp zccp
