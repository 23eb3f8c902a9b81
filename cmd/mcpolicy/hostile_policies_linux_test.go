package main

import (
	"fmt"
	"strings"
)

// rejecting is a config that minds schemas.
var rejecting = good["mcpolicy.yaml"] + "engine: {schemaEnforcement: reject}\n"

const takesTooMuch = `the policies take too much: `

// hostileExpressions are conditions that take more than any machine has.
func hostileExpressions() []hostileInput {
	of := strings.Repeat
	hundred := "[" + strings.TrimSuffix(of("1, ", 100), ", ") + "]"
	made := `^mcpolicy: policies/p1?.yaml:\d+:\d+: ` + takesTooMuch + `this can make a text of .* at once; the most is 64 MiB$`
	long := `^mcpolicy: policies/p1?.yaml:\d+:\d+: [a-z ]+: ` + takesTooMuch + `more than `
	people := "principals:\n  ian: {id: ian, roles: [ADMIN], attr: {name: " + of("a", 4000) + ", list: [" + of("1, ", 99) + "1]}}\n"
	wide := func(n int) string {
		return "principals:\n  ian: {id: ian, roles: [ADMIN], attr: {name: " + of("a", n) + "}}\n"
	}
	var list []hostileInput
	add := func(name, policy, principals string, want string) {
		change := documents(policy)
		if principals != "" {
			change["principals.yaml"] = principals
			change["tests/t.yaml"] = "name: t\ntests: [{name: t, principals: [ian], call: {deny: [greet]}}]\n"
		}
		list = append(list, hostileInput{name: "condition of " + name, change: change, args: []string{"check", "--condition-timeout", "1s"}, status: 3, want: want})
	}
	add("loops over an attribute", costly(loops("P.attr.list", 8), ""), people, long)
	add("loops over constants", costly(loops(hundred, 8), ""), "", long)
	add("loops of all", costly(strings.ReplaceAll(strings.ReplaceAll(loops("P.attr.list", 8), "false", "true"), "exists", "all"), ""), people, long)
	add("loops that make lists", costly("size("+of("P.attr.list.map(x, ", 6)+"x"+of(")", 6)+") == 0", ""), people, long)
	add("loops by derived roles", strings.Replace(costly("true", "  importDerivedRoles: [slow]\n"), "roles: [ADMIN]", "derivedRoles: [slow]", 1)+
		"---\napiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: slow\n  definitions: [{name: slow, parentRoles: [ADMIN], condition: {match: {expr: '"+loops("P.attr.list", 8)+"'}}}]\n", people, long)
	add("replacing constants", costly(`"aaaaaaaaaa"`+of(`.replace("a", "aaaaaaaaaa")`, 8)+" != P.id", ""), "", made)
	add("replacing a text by itself", costly("P.attr.name"+of(`.replace("a", P.attr.name)`, 3)+" != P.id", ""), people, made)
	add("a variable that is replaced", costly(`V.v4 != P.id`, "  variables: {local: {v0: P.attr.name, v1: 'V.v0.replace(\"a\", V.v0)', v2: 'V.v1.replace(\"a\", V.v1)', v3: 'V.v2.replace(\"a\", V.v2)', v4: 'V.v3.replace(\"a\", V.v3)'}}\n"), people, made)
	add("regular expressions that replace", costly(`regex.replace(regex.replace(P.attr.name, "a", P.attr.name), "a", P.attr.name) != P.id`, ""), people, made)
	add("texts that double", costly("V.v30 != P.id", chain("P.attr.name", "+", 30)), people, made)
	add("constants that double", costly("V.v40 != P.id", chain(`"constant"`, "+", 40)), "", made)
	add("lists that double, joined", costly(`V.v40.join("") != P.id`, chain("[P.id]", "+", 40)), people, made)
	add("doubling in a derived role", strings.Replace(costly("true", "  importDerivedRoles: [slow]\n"), "roles: [ADMIN]", "derivedRoles: [slow]", 1)+
		"---\napiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: slow\n"+chain("P.attr.name", "+", 30)+"  definitions: [{name: slow, parentRoles: [ADMIN], condition: {match: {expr: V.v30 != P.id}}}]\n", people, made)
	add("a format of itself", costly(`V.v30 != P.id`, strings.ReplaceAll(chain("P.attr.name", "+", 30), "V.v1 + V.v1", `"%s%s".format([V.v1, V.v1])`)), people, made)
	add("quotes of quotes", costly(of("strings.quote(", 20)+"P.attr.name"+of(")", 20)+" != P.id", ""), people, made)
	add("joined pairs", costly(`P.attr.name.split("").map(x, P.attr.name.split("").map(y, P.attr.name).join(x)).join("") != P.id`, ""), people, made)
	add("a long text, split", costly(`size((V.v8 + V.v8).split("")) == 0`, chain("P.attr.name", "+", 8)), wide(60_000), `^mcpolicy: policies/p.yaml:\d+:\d+: `+takesTooMuch+`this can make a list of more than \d+ elements at once$`)
	add("bytes that are encoded", costly(`base64.encode(bytes(V.v20)) != P.id`, chain("P.attr.name", "+", 20)), people, made)
	add("a pattern of patterns", costly(`P.id.matches("((((a{1,30}){1,30}){1,30}){1,30})*")`, ""), "", `^mcpolicy: policies/p.yaml:\d+:\d+: .*invalid matches argument`)
	add("parentheses", costly(of("(", 5000)+"true"+of(")", 5000), ""), "", `^mcpolicy: policies/p.yaml:\d+:\d+: `)
	add("lists in lists", costly(of("[", 5000)+"1"+of("]", 5000)+" == []", ""), "", `^mcpolicy: policies/p.yaml:\d+:\d+: `)
	add("a number too large", costly("99999999999999999999999999 == 1", ""), "", `^mcpolicy: policies/p.yaml:\d+:\d+: `)
	add("control characters", costly("P.id == \"\x00\"", ""), "", `^mcpolicy: policies/p.yaml:.* control characters`)
	return list
}

// documents writes each document to a file of its own, the first as the policy.
func documents(text string) map[string]string {
	files := map[string]string{}
	for i, document := range strings.Split(text, "---\n") {
		name := "policies/p.yaml"
		if i > 0 {
			name = fmt.Sprintf("policies/p%d.yaml", i)
		}
		files[name] = document
	}
	return files
}

// hostilePolicies are policies whose form is meant to harm.
func hostilePolicies() []hostileInput {
	of := strings.Repeat
	policy := func(name, text, want string) hostileInput {
		return hostileInput{name: "policy of " + name, change: map[string]string{"policies/p.yaml": text}, status: 3, want: want}
	}
	var parts []string
	for i := range 40 {
		parts = append(parts, fmt.Sprintf(`"a%d": {"allOf": [{"$ref": "#/$defs/a%d"}, {"$ref": "#/$defs/a%d"}]}`, i, i+1, i+1))
	}
	doubling := `{"$ref": "#/$defs/a0", "$defs": {` + strings.Join(parts, ", ") + `, "a40": {"type": "object"}}}`
	cycle := "apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: %s\n  variables: {import: [%s]}\n  definitions: [{name: %s, parentRoles: [ADMIN]}]\n"
	list := []hostileInput{
		policy("aliases", "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b ["+of("*a,", 10)+"]\nc: &c ["+of("*b,", 10)+"]\nd: &d ["+of("*c,", 10)+"]\ne: &e ["+of("*d,", 10)+"]\nf: &f ["+of("*e,", 10)+"]\ng: ["+of("*f,", 10)+"]\n", `^mcpolicy: policies/p.yaml:\d+:\d+: aliases expand to more than`),
		policy("an alias of itself", "a: &a [*a]\n", `^mcpolicy: policies/p.yaml:`),
		policy("depth", "a: "+of("{a: ", 600)+"1"+of("}", 600), `^mcpolicy: policies/p.yaml:1:\d+: values are nested more than 512 deep`),
		policy("variables in a circle", costly("V.a", "  variables: {local: {a: V.b, b: V.c, c: V.a}}\n"), `^mcpolicy: policies/p.yaml:\d+:\d+: `),
		policy("a variable of itself", costly("V.a", "  variables: {local: {a: V.a}}\n"), `^mcpolicy: policies/p.yaml:\d+:\d+: `),
		policy("imports that are not there", costly("V.a", "  variables: {import: [nowhere]}\n"), `^mcpolicy: policies/p.yaml:\d+:\d+: `),
		policy("a name with commands", strings.Replace(good["policies/p.yaml"], "mcp_server", "\"\\u001b[31m##vso[task.setvariable]\\u202e\"", 1), `^mcpolicy: policies/p.yaml:\d+:\d+: [^\x1b\x{202e}]*$`),
		policy("a key with commands", good["policies/p.yaml"]+"  \"##vso[task.complete]\\u001b[2J\": 1\n", `^mcpolicy: policies/p.yaml:\d+:\d+: [^\x1b]*$`),
		policy("a long name", strings.Replace(good["policies/p.yaml"], "  rules", "  importDerivedRoles: ["+of("x", 100_000)+"]\n  rules", 1), `^mcpolicy: policies/p.yaml:\d+:\d+: `),
		{name: "policy of a set that imports itself", change: map[string]string{
			"policies/p.yaml": costly("true", "  importDerivedRoles: [one]\n"),
			"policies/a.yaml": fmt.Sprintf(cycle, "one", "one", "r1"),
		}, status: 3, want: `^mcpolicy: policies/a.yaml:\d+:\d+: `},
		{name: "schema that doubles", change: map[string]string{"mcpolicy.yaml": rejecting, "policies/p.yaml": withSchema, "policies/_schemas/a.json": doubling}, args: []string{"check", "--condition-timeout", "1s"}, status: 3, want: `^mcpolicy: policies/p.yaml:\d+:\d+: [a-z ]+: ` + takesTooMuch + `more than 1s; of all`},
		{name: "schema of depth", change: map[string]string{"mcpolicy.yaml": rejecting, "policies/p.yaml": withSchema, "policies/_schemas/a.json": of(`{"not": `, 400) + "{}" + of("}", 400)}, args: []string{"lint", "--fail-on", "off"}, answered: true},
		{name: "schema of a circle", change: map[string]string{"mcpolicy.yaml": rejecting, "policies/p.yaml": withSchema, "policies/_schemas/a.json": `{"allOf": [{"$ref": "#"}]}`}, status: 3, want: `^mcpolicy: .*cerbos:///a.json.*infinite loop`},
		{name: "schema too deep", change: map[string]string{"mcpolicy.yaml": rejecting, "policies/p.yaml": withSchema, "policies/_schemas/a.json": of(`{"not": `, 600) + "{}" + of("}", 600)}, status: 3, want: `^mcpolicy: policies/_schemas/a.json:1:\d+: values are nested more than 512 deep`},
		{name: "schema of no JSON", change: map[string]string{"mcpolicy.yaml": rejecting, "policies/p.yaml": withSchema, "policies/_schemas/a.json": "{\x00"}, status: 3, want: `^mcpolicy: .*a.json.*`},
	}
	return list
}

// heavyPolicies are large, and no more than that: they are answered.
func heavyPolicies() []hostileInput {
	of := strings.Repeat
	rule := "    - {actions: [\"tools/call::greet\"], effect: EFFECT_ALLOW, roles: [ADMIN], name: r%d, condition: {match: {expr: R.attr.arguments.n == %d}}}\n"
	rules, roles, uses := "", "", ""
	for i := range 800 {
		rules += fmt.Sprintf(rule, i, i)
		roles += fmt.Sprintf("    - {name: r%d, parentRoles: [ADMIN], condition: {match: {expr: P.attr.n == %d || R.attr.arguments.n == %d}}}\n", i, i, i)
		uses += fmt.Sprintf("    - {actions: [\"tools/call::greet\"], effect: EFFECT_ALLOW, derivedRoles: [r%d]}\n", i)
	}
	head := "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n"
	scopes := strings.Replace(good["policies/p.yaml"], "  rules:", "  scope: \"\"\n  rules:", 1)
	scope := ""
	for i := range 40 {
		scope = strings.TrimPrefix(fmt.Sprintf("%s.s%d", scope, i), ".")
		scopes += "---\n" + strings.Replace(good["policies/p.yaml"], "  rules:", "  scope: "+scope+"\n  rules:", 1)
	}
	many := map[string]string{"many derived roles": head + "  importDerivedRoles: [many]\n  rules:\n" + uses + "---\napiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: many\n  definitions:\n" + roles}
	many["many rules"] = head + "  rules:\n" + rules
	many["many scopes"] = scopes
	many["a long disjunction"] = costly(strings.TrimSuffix(of(`R.attr.arguments.n == 1 || `, 1000), " || "), "")
	many["open variables that double"] = costly("V.v40", chain(`R.attr.arguments.x == "q"`, "&&", 40))
	many["known variables that double"] = costly("V.v40", chain(`P.id == "q"`, "||", 40))
	many["not, ten thousand times"] = costly(of("!", 10_000)+"R.attr.arguments.x", "")
	many["a list of three thousand"] = costly(`R.attr.arguments.x in [`+strings.TrimSuffix(of(`"a", `, 3000), ", ")+"]", "")
	many["a long text that is matched"] = costly(`P.id.matches("(a*)*b")`, "")
	var list []hostileInput
	for name, text := range many {
		change := documents(text)
		if name == "a long text that is matched" {
			change["principals.yaml"] = "principals:\n  ian: {id: " + of("a", 200_000) + ", roles: [ADMIN]}\n"
			change["tests/t.yaml"] = "name: t\ntests: [{name: t, principals: {roles: [ADMIN]}, call: {deny: [greet]}}]\n"
		}
		list = append(list, hostileInput{name: "heavy policy with " + name, change: change, args: []string{"lint", "--fail-on", "off"}, answered: true})
	}
	return list
}
