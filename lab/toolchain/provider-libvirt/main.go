// Command pulumi-resource-libvirt is the Pulumi provider for libvirt that every
// Pairwise machine runs: terraform-provider-libvirt behind Pulumi's bridge, with
// the tokens of the PyPI package pulumi_libvirt 0.5.4.
//
// It is built from pinned modules (go.sum) rather than downloaded, so that no two
// machines run different builds and none needs more than a Go module proxy.
package main

import (
	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// version is the version of pulumi_libvirt on PyPI whose schema this build serves.
const version = "0.5.4"

// resource maps a Terraform resource to its Pulumi token, libvirt:index/name:Name.
func resource(module, name string) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{
		Tok: tokens.Type("libvirt:index/" + module + ":" + name),
	}
}

func info() tfbridge.ProviderInfo {
	return tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(libvirt.Provider()),
		Name:    "libvirt",
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{
			"uri": {Default: &tfbridge.DefaultInfo{EnvVars: []string{"LIBVIRT_DEFAULT_URI"}}},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"libvirt_domain":         resource("domain", "Domain"),
			"libvirt_network":        resource("network", "Network"),
			"libvirt_pool":           resource("pool", "Pool"),
			"libvirt_volume":         resource("volume", "Volume"),
			"libvirt_cloudinit_disk": resource("cloudInitDisk", "CloudInitDisk"),
			"libvirt_ignition":       resource("ignition", "Ignition"),
			"libvirt_combustion":     resource("combustion", "Combustion"),
		},
	}
}

func main() {
	// The schema only feeds SDK generation, and the SDK comes from PyPI.
	tfbridge.Main("libvirt", version, info(), []byte("{}"))
}
