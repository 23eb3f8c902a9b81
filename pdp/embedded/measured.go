package embedded

import (
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
)

// measured is a request that knows how large it is.
type measured struct {
	in    *enginev1.CheckInput
	total pdp.Extent
}

// measure measures a request, and globals besides.
func measure(in *enginev1.CheckInput, globals pdp.Extent) measured {
	p, r := in.GetPrincipal(), in.GetResource()
	total := globals
	for _, text := range append([]string{p.GetId(), p.GetScope(), p.GetPolicyVersion(), r.GetId(), r.GetKind(), r.GetScope(), r.GetPolicyVersion()}, p.GetRoles()...) {
		total = total.Plus(cel.TextExtent(text))
	}
	total = total.Plus(extentOfFields(p.GetAttr())).Plus(extentOfFields(r.GetAttr())).Plus(extentOfFields(in.GetAuxData().GetJwt()))
	for _, claims := range in.GetAuxData().GetJwts() {
		total = total.Plus(extentOfFields(claims.GetClaims()))
	}
	return measured{in: in, total: total}
}

// Total is the extent of all of it.
func (r measured) Total() pdp.Extent { return r.total }

// At returns the extent of what stands at a path, like P attr name, or more.
func (r measured) At(path []string) pdp.Extent {
	switch {
	case len(path) == 2 && path[0] == "P" && path[1] == "id":
		return cel.TextExtent(r.in.GetPrincipal().GetId())
	case len(path) == 2 && path[0] == "R" && path[1] == "id":
		return cel.TextExtent(r.in.GetResource().GetId())
	case len(path) < 3 || path[1] != "attr":
		return r.total
	}
	fields := r.in.GetPrincipal().GetAttr()
	switch path[0] {
	case "P":
	case "R":
		fields = r.in.GetResource().GetAttr()
	default:
		return r.total
	}
	for _, name := range path[2 : len(path)-1] {
		v, ok := fields[name]
		if !ok {
			return pdp.Extent{}
		}
		if fields = v.GetStructValue().GetFields(); fields == nil {
			return r.total // a list, by an index that is a text
		}
	}
	v, ok := fields[path[len(path)-1]]
	if !ok {
		return pdp.Extent{}
	}
	return extentOfValue(v)
}

func extentOfFields(of map[string]*structpb.Value) pdp.Extent {
	sum := pdp.Extent{Values: 1}
	for name, v := range of {
		sum = sum.Plus(cel.TextExtent(name)).Plus(extentOfValue(v))
	}
	return sum
}

func extentOfValue(v *structpb.Value) pdp.Extent {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return cel.TextExtent(k.StringValue)
	case *structpb.Value_StructValue:
		return extentOfFields(k.StructValue.GetFields())
	case *structpb.Value_ListValue:
		sum := pdp.Extent{Values: 1}
		for _, x := range k.ListValue.GetValues() {
			sum = sum.Plus(extentOfValue(x))
		}
		return sum
	}
	return pdp.Extent{Values: 1}
}
