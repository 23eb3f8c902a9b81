package witness

import (
	"slices"
	"strings"
	"time"
)

// near lists values that a calculation with the constants may tell from each
// other: them, numbers beside them, numbers as texts, and texts that are longer,
// of another case, joined, later or earlier. It leaves much out.
func near(constants []any) []any {
	list := slices.Clone(constants)
	var texts []string
	for _, c := range constants {
		switch c := c.(type) {
		case float64:
			list = append(list, c+1, c-1, textOf(c), textOf(c+1), textOf(c-1))
		case string:
			texts = append(texts, c)
			list = append(list, nearText(c)...)
		}
	}
	if len(texts) > 1 {
		list = append(list, strings.Join(texts, ""), strings.Join(texts, "")+unlikes[0])
	}
	return list
}

func nearText(s string) []any {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return []any{at.Add(-time.Hour).Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339)}
	}
	if d, err := time.ParseDuration(s); err == nil {
		return []any{(d / 2).String(), (2 * d).String(), time.Unix(0, 0).UTC().Format(time.RFC3339)}
	}
	list := []any{unlikes[0] + s, s + unlikes[0], s + "." + unlikes[0], strings.ToLower(s), strings.ToUpper(s)}
	if address, _, isBlock := strings.Cut(s, "/"); isBlock && address != "" {
		list = append(list, address)
	}
	return list
}

// asText lists texts that functions take.
func asText(functions []string) []any {
	var list []any
	if slices.Contains(functions, "timestamp") {
		list = append(list, "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
	}
	if slices.Contains(functions, "duration") {
		list = append(list, "1s", "10000h")
	}
	return list
}

// elementsLike lists members of lists that differ in what parts read of them.
func (n *needs) elementsLike(sample any) []any {
	var list []any
	values := append(near(n.members), unlikes[0], true, false, 1.0, nil)
	for _, path := range n.elements {
		for _, v := range values {
			if len(path) == 0 {
				list = append(list, v)
				continue
			}
			into, _ := sample.(map[string]any)
			for i := range len(path) - 1 {
				into, _ = put(into, path[:i+1], mapping{}).(map[string]any)
			}
			list = append(list, put(into, path, v))
		}
	}
	return list
}
