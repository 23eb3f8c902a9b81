package accesslock_test

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/accesslock"
)

func ExampleParse() {
	l, err := accesslock.Parse("mcpolicy.lock.yaml", []byte(`version: 1
items:
  - {server: crm, tool: send_quote, hints: {readOnly: false}}
access:
  - {server: crm, tool: send_quote, may: [list, call], by: [SALES], when: 'arguments.sum <= 100'}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range l.Access {
		fmt.Println(a.By, a.Operations, a.Name, a.Value)
	}
	// Output: [[SALES]] [list call] send_quote when arguments.sum <= 100
}
