package remote_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	requestv1 "github.com/cerbos/cerbos/api/genpb/cerbos/request/v1"
	responsev1 "github.com/cerbos/cerbos/api/genpb/cerbos/response/v1"
	svcv1 "github.com/cerbos/cerbos/api/genpb/cerbos/svc/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // which the SDK uses
	"google.golang.org/grpc/status"
)

// A pdpFake is a PDP that denies everything, and can be made to fail.
type pdpFake struct {
	svcv1.UnimplementedCerbosServiceServer
	check       func(*responsev1.CheckResourcesResponse)
	plan        func(*responsev1.PlanResourcesResponse)
	versions    []string // of one ServerInfo after the other; the last one stays
	unavailable int64    // how many checks and plans fail

	calls, infos atomic.Int64
}

func (f *pdpFake) down() error {
	if f.calls.Add(1) <= f.unavailable {
		return status.Error(codes.Unavailable, "starting")
	}
	return nil
}

func (f *pdpFake) CheckResources(_ context.Context, r *requestv1.CheckResourcesRequest) (*responsev1.CheckResourcesResponse, error) {
	if err := f.down(); err != nil {
		return nil, err
	}
	reply := &responsev1.CheckResourcesResponse{}
	for _, e := range r.GetResources() {
		result := &responsev1.CheckResourcesResponse_ResultEntry{
			Resource: &responsev1.CheckResourcesResponse_ResultEntry_Resource{Id: e.GetResource().GetId(), Kind: e.GetResource().GetKind()},
			Actions:  map[string]effectv1.Effect{},
		}
		for _, a := range e.GetActions() {
			result.Actions[a] = effectv1.Effect_EFFECT_DENY
		}
		reply.Results = append(reply.Results, result)
	}
	if f.check != nil {
		f.check(reply)
	}
	return reply, nil
}

func (f *pdpFake) PlanResources(context.Context, *requestv1.PlanResourcesRequest) (*responsev1.PlanResourcesResponse, error) {
	if err := f.down(); err != nil {
		return nil, err
	}
	reply := &responsev1.PlanResourcesResponse{Filter: &enginev1.PlanResourcesFilter{Kind: enginev1.PlanResourcesFilter_KIND_ALWAYS_DENIED}}
	if f.plan != nil {
		f.plan(reply)
	}
	return reply, nil
}

func (f *pdpFake) ServerInfo(context.Context, *requestv1.ServerInfoRequest) (*responsev1.ServerInfoResponse, error) {
	version := "0.55.0"
	if n := len(f.versions); n > 0 {
		version = f.versions[min(int(f.infos.Add(1)), n)-1]
	}
	return &responsev1.ServerInfoResponse{Version: version}, nil
}

// fake serves a pdpFake on loopback.
func fake(t *testing.T, f *pdpFake, options ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(options...)
	svcv1.RegisterCerbosServiceServer(s, f)
	go func() { _ = s.Serve(l) }() // until Stop
	t.Cleanup(s.Stop)
	return l.Addr().String()
}
