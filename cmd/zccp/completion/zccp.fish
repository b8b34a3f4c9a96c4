# fish completion of zccp, made from its tables of options: "zccp completion fish".
#
# What has been typed is compared, never evaluated.

# __zccp_in MODE...: whether the command line is one of these modes.
function __zccp_in
    set -l words (commandline -opc)
    set -l mode copy
    if set -q words[2]; and contains -- $words[2] @MODES@
        set mode $words[2]
        if test $mode = bench; and set -q words[3]
            set mode "bench $words[3]"
        end
    end
    contains -- $mode $argv
end

# __zccp_first: whether the first argument is being typed.
function __zccp_first
    set -l words (commandline -opc)
    test (count $words) -eq 1
end

# __zccp_value prints what has been typed of an option's value, or of an operand.
function __zccp_value
    commandline -ct | string replace -r -- '^--[^=]*=' ''
end

# __zccp_list WORD...: completes a list that is separated by commas.
function __zccp_list
    set -l before (__zccp_value | string match -r -- '.*,')
    for word in $argv
        contains -- $word (string split , -- $before); or echo "$before$word"
    end
end

function __zccp_directories
    __fish_complete_directories (__zccp_value)
end

# __zccp_commands completes the name of a program. __fish_complete_command would run
# what is substituted.
function __zccp_commands
    __zccp_value | string match -q -r '^[\w./+-]+$'; and complete -C (__zccp_value)
end

# __zccp_hosts completes [USER@]HOST: by the hosts that ssh knows and /etc/hosts.
# The functions of fish that do would evaluate what stands behind a -F.
function __zccp_hosts
    set -l typed (__zccp_value)
    string match -q -r '^[^/:]+$' -- $typed; or return
    set -l user (string match -r -- '.*@' $typed)
    begin
        if test -r ~/.ssh/config
            string replace -rfi '^\s*Host\s+(\S.*?)\s*$' '$1' <~/.ssh/config | string split ' '
        end
        for file in ~/.ssh/known_hosts /etc/ssh/ssh_known_hosts
            test -r $file; and string match -v -r '^\s*[|@#]' <$file | string replace -rf '^\s*(\S+) .*' '$1' |
                string split , | string replace -r '^\[([^\]]*)\].*' '$1'
        end
        test -r /etc/hosts; and string replace -r '#.*' '' </etc/hosts | string replace -rf '^\s*\S+\s+(.*?)\s*$' '$1' |
            string replace -ra '\s+' ' ' | string split ' '
    end | string match -r '^[A-Za-z0-9._-]+$' | sort -u | string replace -r '(.*)' "$user"'$1:\tHost'
end

# __zccp_remote: whether a path on another machine is being typed.
function __zccp_remote
    string match -q -r '^[^/:]+:' -- (__zccp_value)
end

# __zccp_remote_files completes HOST:PATH with what ssh finds there, without
# passwords, if no byte of it means anything to a shell.
function __zccp_remote_files
    set -l typed (__zccp_value | string match -r -- '^([A-Za-z0-9_][A-Za-z0-9._@%-]*):([A-Za-z0-9._/@%+,=-]*)$'); or return
    command ssh -ax -o BatchMode=yes -o ConnectTimeout=5 -- $typed[2] "ls -d1pL -- '$typed[3]'*" 2>/dev/null </dev/null |
        string replace -r '^' "$typed[2]:"
end

@COMPLETE@
