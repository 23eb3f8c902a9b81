package manifest

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A shape is one row of the table that inventories are recognised by.
type shape struct {
	is   func(*source.Node) bool
	read func(*reader, *source.Node) []*Inventory
}

// objectShapes is the table for objects. The first row that fits decides.
func objectShapes() []shape {
	return []shape{
		{isClientConfig, (*reader).clientConfig},
		{isOpenAIResponse, (*reader).openAIResponse},
		{isCollection, (*reader).collection},
		{isVSCode, (*reader).vscodeConfig},
		{hasSignatures, (*reader).agentScanPath},
		{isRegistryList, (*reader).registryList},
		{isOtherClientConfig, (*reader).otherClientConfig},
		{isEnvelope, (*reader).envelope},
		{isToolboxDocument, (*reader).toolbox},
		{isOfficialServerCard, (*reader).serverCard}, // has remotes too, like a registry entry
		{isRegistryEntry, (*reader).registryEntry},
		{isServerCard, (*reader).serverCard},
		{isBrowserExtension, (*reader).browserExtension},
		{isMCPB, (*reader).mcpb},
		{isFastMCPFlat, (*reader).fastMCPFlat},
		{isFastMCPInspect, (*reader).fastMCPInspect},
		{isFastMCPInspectMCP, (*reader).fastMCPInspectMCP},
		{isAgentScan, (*reader).agentScan},
		{isAzure, (*reader).azure},
		{isDockerCatalog, (*reader).dockerCatalog},
		{isToolsByServer, (*reader).toolsByServer},
		{isListResult, (*reader).listResult},
		{isSingleTool, (*reader).singleTool},
		{isAgentScanServer, (*reader).agentScanServer},
		{isAgentScanReport, (*reader).agentScanReport},
		{isKnownOther, (*reader).knownOther},
		{isFlatClientConfig, (*reader).flatClientConfig},
		{isEmptyObject, (*reader).emptyObject},
	}
}

// arrayShapes is the table for arrays. The first row that fits decides.
func arrayShapes() []shape {
	return []shape{
		{isEmptyArray, (*reader).emptyArray},
		{allElements(isString), (*reader).nameList},
		{anyElement(isMessage), (*reader).transcript},
		{anyElement(isOpenAIListed), (*reader).openAIOutput},
		{anyElement(isToolboxDocument), (*reader).toolboxDocuments},
		{anyElement(hasTools), (*reader).eachServer},
		{anyElement(hasSignatures), (*reader).eachServer},
		{anyElement(isAgentScanServer), (*reader).eachServer},
		{anyElement(isAppInfo), (*reader).appInfo},
		{anyElement(isModelTool), (*reader).modelTools},
		{anyElement(isMCPTool), (*reader).toolArray},
		{anyElement(isDockerTool), (*reader).dockerTools},
		{anyElement(isPrompt), (*reader).promptArray},
		{anyElement(hasOtherSchema), (*reader).toolArray},
		{anyElement(isAnnotated), (*reader).dockerTools},
		{anyElement(has("uri")), (*reader).resourceArray},
		{anyElement(has("uriTemplate")), (*reader).templateArray},
		{anyElement(isServerEntry), (*reader).registryList},
		{anyElement(startsServer), (*reader).serverList},
		{isNamesAndDescriptions, (*reader).dockerTools},
		{anyElement(isKnownObject), (*reader).eachServer},
	}
}

// isNamesAndDescriptions recognises tools by nothing more than those. Other
// things with names are no tools.
func isNamesAndDescriptions(n *source.Node) bool {
	return anyElement(has("name"))(n) && (anyElement(has("description"))(n) ||
		allElements(func(item *source.Node) bool { return len(item.Fields) < 2 })(n))
}

// isKnownObject reports whether an element of an array is itself of a known
// shape.
func isKnownObject(n *source.Node) bool {
	return n.Is(source.Mapping) && slices.ContainsFunc(objectShapes(), func(s shape) bool { return s.is(n) })
}

// value reads the inventories of one JSON or YAML value.
func (r *reader) value(n *source.Node) []*Inventory {
	switch n.Kind {
	case source.Mapping:
		return r.match(n, objectShapes())
	case source.Sequence:
		return r.match(n, arrayShapes())
	case source.Null, source.Bool, source.Number, source.String:
	}
	r.errorf(n.Pos, "this is no MCP inventory: want an object or a list, have %s; %s", describe(n), saveResult)
	return nil
}

func (r *reader) match(n *source.Node, shapes []shape) []*Inventory {
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.is(n) })
	if i < 0 {
		r.unknown(n)
		return nil
	}
	return shapes[i].read(r, n)
}

func has(key string) func(*source.Node) bool {
	return func(n *source.Node) bool { return n.Get(key) != nil }
}

func isString(n *source.Node) bool { return n.Is(source.String) }

func anyElement(is func(*source.Node) bool) func(*source.Node) bool {
	return func(n *source.Node) bool { return slices.ContainsFunc(n.Items, is) }
}

func allElements(is func(*source.Node) bool) func(*source.Node) bool {
	return func(n *source.Node) bool {
		return !slices.ContainsFunc(n.Items, func(item *source.Node) bool { return !is(item) })
	}
}

func isObject(n *source.Node, key string) bool { return n.Get(key).Is(source.Mapping) }

func isList(n *source.Node, key string) bool { return n.Get(key).Is(source.Sequence) }

// anyField reports whether the value of a field of an object fits.
func anyField(n *source.Node, is func(*source.Node) bool) bool {
	return n.Is(source.Mapping) && slices.ContainsFunc(n.Fields, func(f source.Field) bool { return is(f.Value) })
}

// allFields reports whether an object has fields, and the values of all fit.
func allFields(n *source.Node, is func(*source.Node) bool) bool {
	return n.Is(source.Mapping) && len(n.Fields) > 0 && !anyField(n, func(v *source.Node) bool { return !is(v) })
}

func schemaNames(n *source.Node, part string) bool {
	return strings.Contains(n.Get("$schema").Str(), part)
}

func isEmptyObject(n *source.Node) bool { return len(n.Fields) == 0 }

func isEmptyArray(n *source.Node) bool { return len(n.Items) == 0 }

// emptyObject and emptyArray read values without content. They do not show that a
// server has no tools: Docker's registry writes an empty array for servers whose
// tools only the running server knows.
func (*reader) emptyObject(n *source.Node) []*Inventory {
	return []*Inventory{{Pos: n.Pos, Gaps: []Gap{{Reason: Empty, Pos: n.Pos, Message: emptyMessage}}}}
}

func (*reader) emptyArray(n *source.Node) []*Inventory {
	return []*Inventory{{Pos: n.Pos, Gaps: []Gap{{Reason: Dynamic, Pos: n.Pos, Message: "an empty list proves nothing: " +
		"Docker's registry writes it for a server whose tools are known only when it runs; " + saveRunning}}}}
}

// serverName returns what an object calls its server.
func serverName(n *source.Node) string {
	for _, name := range []*source.Node{
		n.Get("serverInfo").Get("name"), n.Get("server").Get("name"), n.Get("server"), n.Get("server_name"), n.Get("server_label"), n.Get("name"),
	} {
		if s := name.Str(); s != "" {
			return s
		}
	}
	return ""
}

// listOf returns the list of an object for the items of one type, whatever the
// key, or nil.
func listOf(n *source.Node, t authz.ItemType) *source.Node {
	for _, key := range listKeys[t] {
		if v := n.Get(key); v != nil && !v.Is(source.Null) {
			return v
		}
	}
	return nil
}

var listKeys = map[authz.ItemType][]string{
	authz.ToolItem:     {"tools"},
	authz.PromptItem:   {"prompts"},
	authz.ResourceItem: {"resources"},
	authz.TemplateItem: {"resourceTemplates", "resource_templates"},
}
