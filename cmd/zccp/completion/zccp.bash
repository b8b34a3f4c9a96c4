# bash completion of zccp, made from its tables of options: "zccp completion bash".
#
# What has been typed is compared, never evaluated. The package bash-completion
# is used for names of hosts if it is loaded; nothing else needs it.

# _zccp_names MODE: sets names to the options of a mode.
_zccp_names() {
	case $1 in
@NAMES@
	esac
}

# _zccp_value MODE OPTION: sets kind to what the value of an option is, words to
# those it may be, and attached if it can only follow a =. kind is empty if there
# is no value.
_zccp_value() {
	kind= words= attached=
	case "$1 $2" in
@VALUES@
	esac
}

# _zccp_operand MODE: sets kind and words for the operands of a mode.
_zccp_operand() {
	kind=none words=
	case $1 in
@OPERANDS@
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
		elif [[ -n $first && $i -eq 1 && " @MODES@ " == *" $word "* ]]; then
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
	_zccp_add '' ' ' @MODES@
	if [[ ${#COMPREPLY[@]} -gt $others ]]; then
		_zccp_option -o nospace
		[[ $others -gt 0 ]] || _zccp_files
	fi
}

complete -o default -F _zccp zccp
