//go:build tools

// Package tools pins the commands that this group builds, and the module whose CRDs they read.
package tools

import (
	_ "github.com/traefik/traefik/v3/cmd/traefik"
	_ "sigs.k8s.io/gateway-api/apis/v1"
)
