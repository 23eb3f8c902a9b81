package ordered_test

import (
	"slices"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/ordered"
)

func TestDistinct(t *testing.T) {
	t.Parallel()
	var long, want []int
	for i := range 100 {
		long, want = append(long, 7*i%50), append(want, 7*i)
	}
	for i := range want {
		want[i] %= 50
	}
	for _, test := range []struct{ list, want []int }{
		{nil, []int{}},
		{[]int{3, 1, 3, 2, 1}, []int{3, 1, 2}},
		{long, want[:50]},
	} {
		before := slices.Clone(test.list)
		if got := ordered.Distinct(test.list); !slices.Equal(got, test.want) {
			t.Errorf("the different ones of %v are %v, want %v", test.list, got, test.want)
		}
		if !slices.Equal(before, test.list) {
			t.Errorf("%v was changed", before)
		}
	}
}
