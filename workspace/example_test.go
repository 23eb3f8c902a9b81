package workspace_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func Example() {
	ctx := context.Background()
	w, err := workspace.Open(ctx, os.DirFS("../fixtures/quickstart"), workspace.Options{})
	if err != nil {
		log.Fatal(err) // what is wrong with the files, with positions
	}
	defer w.Close()
	d, err := w.Check(ctx, workspace.Everything())
	if err != nil {
		log.Fatal(err) // no answer, which is not a no
	}
	d.Elapsed = 0 // all else is the same in every run
	err = report.Write("text", os.Stdout, d, report.Options{FailOn: w.FailOn()})
	fmt.Println("fails:", d.Fails(w.FailOn()), err)
	// Output:
	// crm: 8 tools, 1 prompt, 2 resources, 1 template, 4 principals; 121 decisions
	// no findings; 150 passed
	// fails: false <nil>
}
