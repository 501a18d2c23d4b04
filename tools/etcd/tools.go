//go:build tools

// Package tools pins the commands that this group builds.
package tools

import _ "go.etcd.io/etcd/server/v3"
