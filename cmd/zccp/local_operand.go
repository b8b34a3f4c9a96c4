package main

import "github.com/zccp/zccp/platform"

// localOperand returns an operand that is a path of this machine as the program
// takes paths (platform.SlashPath), and one of another machine as it is. Under
// the name cp every operand is of this machine.
func localOperand(operand string, asCp bool) string {
	if !asCp && isRemote(operand) {
		return operand
	}
	return platform.SlashPath(operand)
}

// localOperands does that for all of them and leaves the slice alone.
func localOperands(operands []string, asCp bool) []string {
	local := make([]string, len(operands))
	for i, operand := range operands {
		local[i] = localOperand(operand, asCp)
	}
	return local
}
