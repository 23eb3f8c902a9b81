package solver

import (
	"math"
	"slices"
)

// numbersOf returns every point, and in each gap between points, below and above them as
// many others as may be needed at once, k, or all of them where the gap has fewer. Where
// integers make a difference there are k integers in each gap, and k others between any
// two of these.
func numbersOf(points []float64, k int, integers bool) []float64 {
	points = slices.DeleteFunc(slices.Clone(points), func(x float64) bool { return math.IsInf(x, 0) || math.IsNaN(x) })
	slices.Sort(points)
	points = slices.Compact(points)
	edges := slices.Concat([]float64{math.Inf(-1)}, points, []float64{math.Inf(1)})
	numbers := points
	for i := 0; i+1 < len(edges); i++ {
		numbers = append(numbers, gap(edges[i], edges[i+1], k, integers)...)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// gap returns k numbers between two others that are none of these, or all of them.
func gap(low, high float64, k int, integers bool) []float64 {
	if !integers {
		return between(low, high, k, nil)
	}
	whole := wholeBetween(low, high, k)
	list := slices.Clone(whole)
	broken := func(x float64) bool { return x != math.Trunc(x) }
	edges := slices.Concat([]float64{low}, whole, []float64{high})
	for i := 0; i+1 < len(edges); i++ {
		list = append(list, between(edges[i], edges[i+1], k, broken)...)
	}
	return list
}

// wholeBetween returns k integers between two numbers, or all of them.
func wholeBetween(low, high float64, k int) []float64 {
	var list []float64
	switch {
	case math.IsInf(low, -1) && math.IsInf(high, 1):
		low = 0
	case math.IsInf(low, -1):
		for x := math.Ceil(high) - 1; len(list) < k; x = min(x-1, math.Nextafter(x, math.Inf(-1))) {
			if x >= high {
				x = math.Nextafter(high, math.Inf(-1))
			}
			if math.IsInf(x, 0) {
				break
			}
			list = append(list, x)
		}
		slices.Reverse(list)
		return list
	}
	for x := above(low); x < high && len(list) < k && !math.IsInf(x, 0); x = above(x) {
		list = append(list, x)
	}
	return list
}

// above returns the next integer.
func above(x float64) float64 {
	return max(math.Floor(x)+1, math.Nextafter(math.Floor(x), math.Inf(1)))
}

// between returns k numbers between two others that are of a kind, or all of them. It
// takes numbers that read well first.
func between(low, high float64, k int, of func(float64) bool) []float64 {
	if list := readable(low, high, k, of); len(list) == k {
		return list
	}
	// One after the other: where there are integers, no two neighbours are both of them
	// unless there is nothing else from there on.
	var list []float64
	from, to := max(low, -math.MaxFloat64), high
	if math.IsInf(low, -1) {
		from, to = high, math.Inf(-1)
	}
	for x, left := math.Nextafter(from, to), 4*k+4; left > 0 && len(list) < k && x > low && x < high; x, left = math.Nextafter(x, to), left-1 {
		if !math.IsInf(x, 0) && (of == nil || of(x)) {
			list = append(list, x)
		}
	}
	slices.Sort(list)
	return list
}

func readable(low, high float64, k int, of func(float64) bool) []float64 {
	var list []float64
	try := func(x float64) {
		if x > low && x < high && len(list) < k && (of == nil || of(x)) && !slices.Contains(list, x) && !math.IsInf(x, 0) {
			list = append(list, x)
		}
	}
	part := 1.0
	if of != nil {
		part = 0.5
	}
	switch {
	case math.IsInf(low, -1) && math.IsInf(high, 1):
		for i := range 2 * k {
			try(float64(i) + part)
		}
	case math.IsInf(low, -1):
		for i := range 2 * k {
			try(math.Ceil(high) - float64(i) - part)
		}
	case math.IsInf(high, 1):
		for i := range 2 * k {
			try(math.Floor(low) + float64(i) + part)
		}
	default:
		if of == nil {
			for i := range k {
				try(math.Floor(low) + float64(i) + 1)
			}
		}
		if len(list) == k {
			break
		}
		list = nil
		for i := range k {
			try(low + (high-low)*float64(i+1)/float64(k+1))
		}
	}
	slices.Sort(list)
	return list
}
