//go:build tools

// Package tools pins the Pod Security Standards' upstream, whose test data the rules are compared with.
package tools

import _ "k8s.io/pod-security-admission/policy"
