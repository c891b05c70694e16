// Command pulumi-resource-libvirt is the Pulumi provider for libvirt that every
// Pairwise machine runs: terraform-provider-libvirt behind Pulumi's bridge, with
// the tokens of the PyPI package pulumi_libvirt 0.5.4.
//
// It is built from pinned modules (go.sum) rather than downloaded, so that no two
// machines run different builds and none needs more than a Go module proxy.
package main

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/terraform"
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

// upstream is the Terraform provider with one change: a cloud-init CD is never
// read back. Reading goes through a stream of go-libvirt, which about once in
// fifty times ends early ("corrupted-image: EOF") or holds its lock for ever
// (callback and deregister in rpc.go), and then no other volume is made either.
// A refresh asks whether the CD is still in its pool, and a CD is made like any
// volume, from a file: nobody writes to it afterwards.
func upstream() *schema.Provider {
	provider := libvirt.Provider()
	volume := provider.ResourcesMap["libvirt_volume"]
	disk := provider.ResourcesMap["libvirt_cloudinit_disk"]
	disk.CreateContext = func(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
		return create(ctx, volume, d, meta)
	}
	disk.ReadContext = func(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
		// The id is the key of a volume, then a random part.
		key, _, _ := strings.Cut(d.Id(), ";")
		found := volume.Data(&terraform.InstanceState{
			ID:         key,
			Attributes: map[string]string{"id": key, "pool": d.Get("pool").(string)},
		})
		diagnostics := volume.ReadContext(ctx, found, meta)
		if !diagnostics.HasError() && found.Id() == "" {
			d.SetId("")
		}
		return diagnostics
	}
	return provider
}

// create makes the CD's image and uploads it as a volume. Its folder is readable
// by us alone, for user-data may hold a host's private key.
func create(ctx context.Context, volume *schema.Resource, d *schema.ResourceData, meta any) diag.Diagnostics {
	folder, err := os.MkdirTemp("", "cloudinit")
	if err != nil {
		return diag.FromErr(err)
	}
	defer os.RemoveAll(folder)
	image := filepath.Join(folder, "cd.iso")
	// The label and both extensions are what cloud-init's NoCloud source looks for.
	arguments := []string{"-quiet", "-output", image, "-volid", "cidata", "-joliet", "-rock"}
	for name, field := range map[string]string{
		"user-data": "user_data", "meta-data": "meta_data", "network-config": "network_config",
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(d.Get(field).(string)), 0o600); err != nil {
			return diag.FromErr(err)
		}
		arguments = append(arguments, path)
	}
	if output, err := exec.CommandContext(ctx, "mkisofs", arguments...).CombinedOutput(); err != nil {
		return diag.Errorf("mkisofs made no CD for %s: %s: %s", d.Get("name"), err, output)
	}
	made := volume.Data(&terraform.InstanceState{Attributes: map[string]string{
		"name":   d.Get("name").(string),
		"pool":   d.Get("pool").(string),
		"source": image,
		"format": "raw",
	}})
	diagnostics := volume.CreateContext(ctx, made, meta)
	if made.Id() != "" {
		d.SetId(made.Id() + ";" + rand.Text())
	}
	return diagnostics
}

func info() tfbridge.ProviderInfo {
	return tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(upstream()),
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
