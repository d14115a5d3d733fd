package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the Makefile with -ldflags; a plain "go build" leaves it.
var version = "dev"

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print what this program was built from",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { cmd.Println(describeBuild()) },
	}
}

// describeBuild says version, commit, compiler and platform in one line.
func describeBuild() string {
	var b strings.Builder
	fmt.Fprintf(&b, "kakoi %s", version)
	if info, ok := debug.ReadBuildInfo(); ok {
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if commit := settings["vcs.revision"]; commit != "" {
			fmt.Fprintf(&b, " (commit %.12s", commit)
			if settings["vcs.modified"] == "true" {
				b.WriteString(", with changes")
			}
			b.WriteString(")")
		}
	}
	fmt.Fprintf(&b, " %s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return b.String()
}
