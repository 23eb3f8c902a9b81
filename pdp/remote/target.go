package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Check reports what is wrong with targets and options, as far as that shows
// without connecting to anything.
func (o Options) Check(targets ...string) error {
	var errs []error
	for _, t := range targets {
		errs = append(errs, checkTarget(t))
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		errs = append(errs, errors.New("a client certificate and its key are needed together"))
	}
	if o.Plaintext && (o.CAFile != "" || o.CertFile != "") {
		errs = append(errs, errors.New("certificates are of no use without TLS: leave them out, or reach the PDP with TLS"))
	}
	if o.Timeout < 0 {
		errs = append(errs, fmt.Errorf("a timeout of %v leaves no time for an answer", o.Timeout))
	}
	return errors.Join(errs...)
}

func checkTarget(target string) error {
	switch scheme, _, ok := strings.Cut(target, "://"); {
	case target == "":
		return errors.New("connect to PDP: want host:port")
	case ok && (scheme == "http" || scheme == "https"):
		return fmt.Errorf("connect to PDP %s: want the host:port of its gRPC listener, not a URL", target)
	case ok && scheme == "dns":
		_, _, _, err := dnsName(target)
		return err
	}
	return nil
}

// An endpoint is where one PDP listens.
type endpoint struct {
	name string // in errors
	dial string // as gRPC takes it
	host string // whom its certificate is for; "" if dial says so
}

// endpoints returns where the PDPs of a target listen: one address for each
// that the name of a dns:/// target has, in order, and otherwise the target.
func endpoints(ctx context.Context, target string) ([]endpoint, error) {
	if !strings.HasPrefix(target, "dns://") {
		return []endpoint{{name: target, dial: target}}, nil
	}
	server, host, port, err := dnsName(target)
	if err != nil {
		return nil, err
	}
	resolver := net.DefaultResolver
	if server != "" {
		resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server)
		}}
	}
	ips, err := resolver.LookupHost(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("connect to PDP %s: %w", target, err)
	}
	slices.Sort(ips)
	var list []endpoint
	for _, ip := range slices.Compact(ips) {
		at := net.JoinHostPort(ip, port)
		a := endpoint{name: target, dial: "passthrough:///" + at, host: host}
		if len(ips) > 1 || ip != host {
			a.name += " at " + at
		}
		list = append(list, a)
	}
	return list, nil
}

// dnsName takes dns://SERVER/HOST:PORT apart. The server is host:port, or ""
// for the system's.
func dnsName(target string) (server, host, port string, err error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", "", "", fmt.Errorf("connect to PDP %s: want dns:///host:port: %w", target, errors.Unwrap(err))
	}
	host, port, err = net.SplitHostPort(strings.TrimPrefix(u.Path, "/"))
	if err != nil || host == "" || port == "" {
		return "", "", "", fmt.Errorf("connect to PDP %s: want dns:///host:port, with the port of its gRPC listener", target)
	}
	if server = u.Host; server != "" && u.Port() == "" {
		server = net.JoinHostPort(u.Hostname(), "53")
	}
	return server, host, port, nil
}
