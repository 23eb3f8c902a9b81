package diff

import (
	"context"
	"maps"
	"slices"
	"time"
)

// shrunk leaves out of a witness what it does without, one after the other.
func (s *search) shrunk(ctx context.Context, w *Witness) (*Witness, error) {
	without := func(less func(*Witness)) error {
		smaller := *w
		smaller.Arguments = maps.Clone(w.Arguments)
		if w.Principal != nil {
			who := *w.Principal
			who.Attr, who.AuxData = maps.Clone(who.Attr), maps.Clone(who.AuxData)
			smaller.Principal = &who
		}
		less(&smaller)
		shows, err := s.shows(ctx, &smaller)
		if err == nil && shows {
			w = &smaller
		}
		return err
	}
	list := []func(*Witness){}
	if !w.Now.IsZero() {
		list = append(list, func(w *Witness) { w.Now = time.Time{} })
	}
	if w.Principal != nil {
		for _, name := range slices.Sorted(maps.Keys(w.Principal.Attr)) {
			list = append(list, func(w *Witness) { delete(w.Principal.Attr, name) })
		}
		for _, name := range slices.Sorted(maps.Keys(w.Principal.AuxData)) {
			list = append(list, func(w *Witness) { delete(w.Principal.AuxData, name) })
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Arguments)) {
		list = append(list, func(w *Witness) { delete(w.Arguments, name) })
	}
	for _, less := range list {
		if err := without(less); err != nil {
			return nil, err
		}
	}
	return w, nil
}
