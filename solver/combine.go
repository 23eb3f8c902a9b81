package solver

import "slices"

// mostLists is how many lists a place may have.
const mostLists = 3000

// combine returns all lists of at most so many elements, of each class at most count. It
// says whether these were not too many.
func combine(classes [][]any, most, count int, unique bool) (values []any, all bool) {
	all = true
	var next func(i int, list []any)
	next = func(i int, list []any) {
		if !all {
			return
		}
		if i == len(classes) {
			if len(values) >= mostLists {
				all = false
				return
			}
			values = append(values, slices.Clone(list))
			return
		}
		for n := 0; n <= count && len(list) <= most; n++ {
			next(i+1, list)
			of := classes[i]
			if n == len(of) && unique {
				break
			}
			list = append(slices.Clip(list), of[min(n, len(of)-1)])
		}
	}
	next(0, []any{})
	return values, all
}

// withFirst adds, for each list, the same with each of its elements in front.
func withFirst(lists []any) []any {
	all := slices.Clone(lists)
	for _, v := range lists {
		list := v.([]any) //nolint:errcheck // combine is what makes them
		for i := 1; i < len(list); i++ {
			other := slices.Clone(list)
			other[0], other[i] = other[i], other[0]
			all = append(all, other)
		}
	}
	return all
}

// padded adds, for each list, longer ones with more of the last element, which makes a
// difference to nothing but the size. It is not ok if these are too many.
func padded(lists []any, longest int, ok bool) ([]any, bool) {
	all := slices.Clone(lists)
	for _, v := range lists {
		list := v.([]any) //nolint:errcheck // combine is what makes them
		for len(list) > 0 && len(list) < longest {
			list = append(slices.Clip(list), list[len(list)-1])
			all = append(all, list)
		}
	}
	return all, ok && len(all) <= mostLists
}
