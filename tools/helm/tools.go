//go:build tools

// Package tools pins the commands that this group builds.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
