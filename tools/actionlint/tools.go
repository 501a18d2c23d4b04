//go:build tools

// Package tools pins the commands that this group builds.
package tools

import _ "github.com/rhysd/actionlint/cmd/actionlint"
