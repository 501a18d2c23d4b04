// Package ext is Traefik's extension point for proprietary middlewares, with no extension in it.
package ext

// HTTP holds no extended HTTP configuration.
type HTTP struct{}

// DeepCopyInto copies nothing: there is nothing to copy.
func (in *HTTP) DeepCopyInto(out *HTTP) { *out = *in }

// Router holds no extended router configuration.
type Router struct{}

// DeepCopyInto copies nothing: there is nothing to copy.
func (in *Router) DeepCopyInto(out *Router) { *out = *in }
