package remote

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	requestv1 "github.com/cerbos/cerbos/api/genpb/cerbos/request/v1"
	"google.golang.org/grpc"

	"github.com/mcpolicy/mcpolicy/authz"
)

// tokensOf writes the claims of a principal as tokens: a PDP takes claims in no
// other form. They are not signed, and a PDP that verifies tokens refuses them.
func tokensOf(p *authz.Principal) (*requestv1.AuxData, error) {
	if p.AuxData != nil {
		token, err := unsignedToken(p.AuxData)
		return &requestv1.AuxData{Jwt: token}, err
	}
	if len(p.JWTs) == 0 {
		return nil, nil
	}
	aux := &requestv1.AuxData{Jwts: map[string]*requestv1.AuxData_JWT{}}
	for name, claims := range p.JWTs {
		token, err := unsignedToken(claims)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		aux.Jwts[name] = token
	}
	return aux, nil
}

func unsignedToken(claims map[string]any) (*requestv1.AuxData_JWT, error) {
	for _, name := range []string{"exp", "iat", "nbf"} {
		text, isText := claims[name].(string)
		if _, err := time.Parse(time.RFC3339, text); isText && err != nil {
			return nil, fmt.Errorf("%s: %s is after the year 9999, which cannot be put into a token again", name, text)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return &requestv1.AuxData_JWT{Token: encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(payload) + "."}, nil
}

type tokensKey struct{}

// withTokens has [sendTokens] put tokens into a call.
func withTokens(ctx context.Context, tokens *requestv1.AuxData) context.Context {
	return context.WithValue(ctx, tokensKey{}, tokens)
}

// sendTokens puts the tokens of a call into its request. The SDK takes one
// token, and none by name.
func sendTokens(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	tokens, _ := ctx.Value(tokensKey{}).(*requestv1.AuxData)
	switch r := request.(type) {
	case *requestv1.CheckResourcesRequest:
		r.AuxData = tokens
	case *requestv1.PlanResourcesRequest:
		r.AuxData = tokens
	}
	return invoke(ctx, method, request, reply, cc, opts...)
}
