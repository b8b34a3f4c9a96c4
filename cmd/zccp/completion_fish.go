package main

import (
	"fmt"
	"strings"
)

// fishTables returns the tables of the script for fish.
func fishTables() map[string]string {
	words, _ := commandWords()
	return map[string]string{
		"MODES":    strings.Join(words, " "),
		"COMPLETE": fishCommands() + fishOperands() + fishOptions(),
	}
}

func fishCommands() string {
	var b strings.Builder
	words, summaries := commandWords()
	for i, word := range words {
		fmt.Fprintf(&b, "complete -c zccp -n __zccp_first -a %s -d %s\n", word, fishQuote(summaries[i]))
	}
	return b.String()
}

// fishOperands completes operands; without a row they are files.
func fishOperands() string {
	const hosts = "; and not __zccp_remote' -a '(__zccp_hosts)'\n"
	var b strings.Builder
	for _, m := range completionModes() {
		in := "__zccp_in " + fishWord(m.name)
		o, ok := m.operand()
		switch {
		case !ok:
			fmt.Fprintf(&b, "complete -c zccp -n %s -f\n", fishQuote(in))
		case o.kind == valueWord:
			fmt.Fprintf(&b, "complete -c zccp -n %s -f -a %s\n", fishQuote(in), fishQuote(strings.Join(o.words, " ")))
		case o.kind == valueDirectory:
			fmt.Fprintf(&b, "complete -c zccp -n %s -f -a '(__zccp_directories)'\n", fishQuote(in))
		case o.kind == valueHostPath:
			b.WriteString("complete -c zccp -n '" + in + hosts)
			fmt.Fprintf(&b, "complete -c zccp -n '%s; and __zccp_remote' -f -a '(__zccp_remote_files)'\n", in)
		}
	}
	return b.String()
}

// fishOptions completes options. A row serves all modes in which it is the same.
func fishOptions() string {
	in := make(map[string][]string)
	var order []string
	for _, m := range completionModes() {
		for _, o := range m.options {
			for _, row := range fishOption(o) {
				if in[row] == nil {
					order = append(order, row)
				}
				in[row] = append(in[row], fishWord(m.name))
			}
		}
	}
	var b strings.Builder
	for _, row := range order {
		fmt.Fprintf(&b, "complete -c zccp -n %s %s\n", fishQuote("__zccp_in "+strings.Join(in[row], " ")), row)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// fishOption returns what defines an option, without the modes in which it is one.
func fishOption(o modeOption) []string {
	var letters, long, off string
	for _, name := range o.names {
		if len(name) == 1 {
			letters += "-s " + name + " "
		} else {
			long += "-l " + name + " "
		}
	}
	for _, name := range o.off {
		off += "-l " + name + " "
	}
	does := "-d " + fishQuote(o.brief())
	var rows []string
	switch {
	case o.kind == optionalValue:
		if letters != "" {
			rows = append(rows, letters+does)
		}
		rows = append(rows, long+fishValue(o)+does)
	default:
		rows = append(rows, letters+long+fishValue(o)+does)
	}
	if off != "" {
		rows = append(rows, off+"-d "+fishQuote(o.negation()))
	}
	return rows
}

// fishValue returns what completes the value of an option.
func fishValue(o modeOption) string {
	if o.kind == noValue {
		return ""
	}
	need := "-x "
	if o.kind == optionalValue {
		need = "-f "
	}
	words := strings.Join(o.words, " ")
	switch o.operand {
	case valueWord:
		return need + "-a " + fishQuote(words) + " "
	case valueList:
		return need + "-a " + fishQuote("(__zccp_list "+words+")") + " "
	case valueFile:
		return "-r -F "
	case valueHostPath:
		return "-r -F -a '(__zccp_hosts)' "
	case valueDirectory:
		return "-x -a '(__zccp_directories)' "
	case valueCommand:
		return "-x -a '(__zccp_commands)' "
	}
	return need
}

// fishWord makes the name of a mode one word of a command.
func fishWord(name string) string {
	if strings.Contains(name, " ") {
		return `"` + name + `"`
	}
	return name
}

// fishQuote makes text one word.
func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
