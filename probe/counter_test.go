package probe_test

import (
	"net/http"
	"sync"
)

// A counter counts how many requests are served at the same time.
type counter struct {
	handler http.Handler

	mu        sync.Mutex
	now, most int
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.now--
		c.mu.Unlock()
	}()
	c.handler.ServeHTTP(w, r)
}
