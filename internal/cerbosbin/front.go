package cerbosbin

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	requestv1 "github.com/cerbos/cerbos/api/genpb/cerbos/request/v1"
	responsev1 "github.com/cerbos/cerbos/api/genpb/cerbos/response/v1"
	svcv1 "github.com/cerbos/cerbos/api/genpb/cerbos/svc/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // which the SDK uses
)

// A Front hands calls on to a real PDP, and makes of its replies what a PDP
// should not.
type Front struct {
	svcv1.UnimplementedCerbosServiceServer
	Addr string      // host:port, on loopback
	Half atomic.Bool // leave half of each reply to a check out

	to      svcv1.CerbosServiceClient
	version string
}

// NewFront starts a front that says it is of that version, or if that is empty
// what the PDP says. It ends with the test.
func NewFront(t testing.TB, target, version string) *Front {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &Front{Addr: l.Addr().String(), to: svcv1.NewCerbosServiceClient(conn), version: version}
	s := grpc.NewServer()
	svcv1.RegisterCerbosServiceServer(s, f)
	go func() { _ = s.Serve(l) }() // until Stop
	t.Cleanup(s.Stop)
	return f
}

// CheckResources hands a check on.
func (f *Front) CheckResources(ctx context.Context, r *requestv1.CheckResourcesRequest) (*responsev1.CheckResourcesResponse, error) {
	reply, err := f.to.CheckResources(ctx, r)
	if err == nil && f.Half.Load() {
		reply.Results = reply.Results[:len(reply.Results)/2]
	}
	return reply, err
}

// PlanResources hands a plan on.
func (f *Front) PlanResources(ctx context.Context, r *requestv1.PlanResourcesRequest) (*responsev1.PlanResourcesResponse, error) {
	return f.to.PlanResources(ctx, r)
}

// ServerInfo tells the version.
func (f *Front) ServerInfo(ctx context.Context, r *requestv1.ServerInfoRequest) (*responsev1.ServerInfoResponse, error) {
	reply, err := f.to.ServerInfo(ctx, r)
	if err == nil && f.version != "" {
		reply.Version = f.version
	}
	return reply, err
}
