package main

// completionShells are the shells that there is a script for.
func completionShells() []string { return []string{"bash", "zsh", "fish"} }
