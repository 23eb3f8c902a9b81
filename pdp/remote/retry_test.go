package remote

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cerbos/cerbos-sdk-go/cerbos"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestRetriesOfCallsAtOnce holds that a call is made again where it found the PDP
// down, whatever other calls of the same time found.
func TestRetriesOfCallsAtOnce(t *testing.T) {
	p := &replica{}
	r := &PDP{replicas: []*replica{p}, options: Options{Timeout: time.Minute}}
	var g errgroup.Group
	for i := range 20_000 {
		var tries atomic.Int64
		g.Go(func() error {
			return r.call(t.Context(), r.replicas, 1, func(context.Context, *cerbos.GRPCClient) error {
				if tries.Add(1) == 1 && i%2 == 0 {
					return status.Error(codes.Unavailable, "restarting")
				}
				return nil
			})
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}
