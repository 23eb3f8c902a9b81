package embedded

import "sync"

// A cache keeps the answers to what was asked, so that nothing is asked twice.
// It may be used from several goroutines.
type cache[T any] struct {
	mu    sync.Mutex
	known map[string]*cached[T]
}

type cached[T any] struct {
	mu    sync.Mutex // held while the answer is sought
	there bool
	value T
}

// get returns the answer that is known, or seeks it. Whoever else wants the
// same meanwhile waits for it. A failure is not kept.
func (c *cache[T]) get(key string, seek func() (T, error)) (T, error) {
	e := c.entry(key)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.there {
		return e.value, nil
	}
	v, err := seek()
	if err == nil {
		e.value, e.there = v, true
	}
	return v, err
}

func (c *cache[T]) entry(key string) *cached[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.known[key]
	if e == nil {
		if c.known == nil {
			c.known = map[string]*cached[T]{}
		}
		e = &cached[T]{}
		c.known[key] = e
	}
	return e
}
