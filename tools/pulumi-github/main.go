// Command pulumi-resource-github serves the Terraform provider for GitHub through Pulumi's bridge.
//
// The published plugin does the same, with a schema of descriptions and examples for code generation. The engine needs
// neither: this one's types, properties and tokens are computed, and must be those of the Python package pulumi-github.
package main

import (
	"encoding/json"

	"github.com/integrations/terraform-provider-github/v6/github"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

// version is that of the Python package; the catalog sets it.
var version string

func provider() tfbridge.ProviderInfo {
	several := false
	info := tfbridge.ProviderInfo{
		P:       sdkv2.NewProvider(github.NewProvider(version, "none")()),
		Name:    "github",
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{
			"token": {Secret: tfbridge.True()},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"github_repository_environment": {Fields: map[string]*tfbridge.SchemaInfo{
				// Upstream allows one block; the Python package has a list.
				"reviewers": {MaxItemsOne: &several},
			}},
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			// `getApp` was taken when upstream's package was first made.
			"github_app": {Tok: "github:index/getGithubApp:getGithubApp"},
		},
	}
	info.MustComputeTokens(tokens.SingleModule("github_", "index", tokens.MakeStandard("github")))
	return info
}

func main() {
	schema, err := json.Marshal(map[string]string{"name": "github", "version": version})
	if err != nil {
		panic(err)
	}
	tfbridge.Main("github", version, provider(), schema)
}
