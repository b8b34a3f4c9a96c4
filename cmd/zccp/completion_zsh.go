package main

import (
	"fmt"
	"strings"
)

// zshTables returns the tables of the script for zsh.
func zshTables() map[string]string {
	words, summaries := commandWords()
	var commands []string
	for i, word := range words {
		commands = append(commands, "\t\t"+zshQuote(word+":"+summaries[i]))
	}
	return map[string]string{
		"MODES":    strings.Join(words, " | "),
		"COMMANDS": strings.Join(commands, "\n"),
		"SPECS":    zshSpecs(),
	}
}

// zshSpecs are the arguments of _arguments for each mode.
func zshSpecs() string {
	var b strings.Builder
	for _, m := range completionModes() {
		fmt.Fprintf(&b, "\t%s) specs=(\n", strings.ReplaceAll(m.name, " ", `\ `))
		for _, o := range m.options {
			for _, spec := range zshOption(o) {
				fmt.Fprintf(&b, "\t\t%s\n", zshQuote(spec))
			}
		}
		if operand, ok := m.operand(); ok {
			count := "*"
			if operand.kind == valueWord {
				count = "1"
			}
			fmt.Fprintf(&b, "\t\t%s\n", zshQuote(count+":"+zshEscape(operand.name)+":"+zshAction(operand.kind, operand.words)))
		}
		b.WriteString("\t) ;;\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// zshOption returns the specifications of an option's names.
func zshOption(o modeOption) []string {
	does := "[" + zshEscape(o.brief()) + "]"
	name := o.value
	if name == "" {
		name = "VALUE"
	}
	value := ":" + zshEscape(name) + ":" + zshAction(o.operand, o.words)
	var specs []string
	for _, name := range o.spellings() {
		long := strings.HasPrefix(name, "--")
		switch {
		case o.kind == requiredValue && long:
			specs = append(specs, "*"+name+"="+does+value)
		case o.kind == requiredValue:
			specs = append(specs, "*"+name+"+"+does+value)
		case o.kind == optionalValue && long:
			specs = append(specs, "*"+name+"=-"+does+":"+value)
		default:
			specs = append(specs, "*"+name+does)
		}
	}
	for _, name := range o.offNames() {
		specs = append(specs, "*"+name+"["+zshEscape(o.negation())+"]")
	}
	return specs
}

// zshAction returns what completes a value.
func zshAction(kind valueKind, words []string) string {
	switch kind {
	case valueWord:
		return "(" + strings.Join(words, " ") + ")"
	case valueList:
		return "_values -s , word " + strings.Join(words, " ")
	case valueFile:
		return "_files"
	case valueDirectory:
		return "_files -/"
	case valueHostPath:
		return "_zccp_host"
	case valueCommand:
		return "_command_names -e"
	}
	return " "
}

// zshEscape makes text part of a specification.
func zshEscape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
}

// zshQuote makes text one word.
func zshQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
