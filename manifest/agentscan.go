package manifest

import (
	"github.com/mcpolicy/mcpolicy/source"
)

// isAgentScan recognises the signature that agent-scan takes of a server.
func isAgentScan(n *source.Node) bool {
	meta := n.Get("metadata")
	return meta.Is(source.Mapping) && isListResult(n) &&
		(n.Get("resource_templates") != nil || isObject(meta, "serverInfo") || meta.Get("protocolVersion") != nil)
}

func (r *reader) agentScan(n *source.Node) []*Inventory {
	inv := r.lists(n)
	meta := n.Get("metadata")
	inv.Format = AgentScan
	inv.Server = serverName(meta)
	inv.Protocol = r.str(meta, "protocolVersion")
	return []*Inventory{inv}
}

// isAgentScanServer recognises a scanned server: its name, how it is started,
// and its signature, or null where the scan failed.
func isAgentScanServer(n *source.Node) bool {
	sig := n.Get("signature")
	return sig != nil && (sig.Is(source.Mapping) || sig.Is(source.Null)) && n.Get("server") != nil
}

func (r *reader) agentScanServer(n *source.Node) []*Inventory {
	inv := &Inventory{Format: AgentScan, Pos: n.Pos}
	if sig := n.Get("signature"); sig.Is(source.Mapping) {
		inv = r.agentScan(sig)[0]
		inv.Pos = n.Pos
	} else {
		why := ""
		if s := n.Get("error").Get("message").Str(); s != "" {
			why = " (" + quote(s) + ")"
		}
		inv.Gaps = []Gap{{Reason: Failed, Pos: n.Pos, Message: "the scan has no signature of this server" + why +
			"; scan it again when it runs"}}
	}
	if name := r.str(n, "name"); name != "" {
		inv.Server = name
	}
	return []*Inventory{inv}
}

// hasSignatures recognises the scan of one client: the servers that it is
// configured with.
func hasSignatures(n *source.Node) bool {
	return isList(n, "servers") && anyElement(isAgentScanServer)(n.Get("servers"))
}

func (r *reader) agentScanPath(n *source.Node) []*Inventory {
	var list []*Inventory
	for _, server := range n.Get("servers").Items {
		list = append(list, r.agentScanServer(server)...)
	}
	return list
}

// isAgentScanReport recognises a whole scan: clients by the path of their
// configuration.
func isAgentScanReport(n *source.Node) bool {
	return anyField(n, hasSignatures) && allFields(n, func(v *source.Node) bool { return v.Is(source.Mapping) })
}

func (r *reader) agentScanReport(n *source.Node) []*Inventory {
	var list []*Inventory
	for _, f := range n.Fields {
		if hasSignatures(f.Value) {
			list = append(list, r.agentScanPath(f.Value)...)
		}
	}
	return list
}
