// Command pulumi-resource-kubernetes serves upstream's Kubernetes provider.
//
// Upstream's own command embeds two files that its release job generates. The builder lays them beside this file
// from the provider module itself: schema.json with the version filled in, and terraform-mapping.json.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, terraformMapping)
}
