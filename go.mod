module github.com/mcpolicy/mcpolicy

go 1.26.8

require (
	github.com/agext/levenshtein v1.2.3 // indirect
	github.com/cerbos/cerbos v0.55.0 // indirect
	github.com/cerbos/cerbos-sdk-go v0.4.2 // indirect
	github.com/cerbos/cerbos/api/genpb v0.55.0 // indirect
	github.com/fatih/color v1.19.0 // indirect
	github.com/gobwas/glob v1.1.0 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/tailscale/hujson v0.0.0-20260727124030-b80ff77dac4f // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
