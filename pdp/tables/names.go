package tables

import (
	"maps"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/proto"
)

// RuleID returns the name that Cerbos gives a row's rule in outputs.
func RuleID(row *runtimev1.RuleTable_RuleRow) string { return PolicyKey(row) + "#" + row.Name }

// PolicyKey returns the name that Cerbos gives a row's policy in decisions.
func PolicyKey(row *runtimev1.RuleTable_RuleRow) string {
	return strings.TrimPrefix(row.OriginFqn, "cerbos.")
}

// metaID is the number that Cerbos gives a policy in tables.
func metaID(fqn string) uint64 { return xxhash.Sum64String(fqn) }

// KnowsMeta reports whether what a table says of its policies is found by their names.
func KnowsMeta(table *runtimev1.RuleTable) bool {
	for id, m := range table.GetMeta() {
		if metaID(m.GetFqn()) != id {
			return false
		}
	}
	return true
}

// WithVersions adds to a table what it says of policies and their schemas, for other
// versions of them: by their names there, their names in the table.
func WithVersions(table *runtimev1.RuleTable, names, versions map[string]string) *runtimev1.RuleTable {
	table.Meta, table.Schemas = maps.Clone(table.Meta), maps.Clone(table.Schemas)
	for name, of := range names {
		if m := table.Meta[metaID(of)]; m != nil {
			m = proto.CloneOf(m)
			m.Fqn, m.Version = name, versions[name]
			table.Meta[metaID(name)] = m
		}
		if schemas := table.Schemas[metaID(of)]; schemas != nil {
			table.Schemas[metaID(name)] = schemas
		}
	}
	return table
}
