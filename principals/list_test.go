package principals_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/principals"
)

func TestListCells(t *testing.T) {
	tests := map[string]struct {
		text  string
		roles map[string][]string // by principal
		want  []string            // mistakes
	}{
		"as documented": {
			"id,roles\na,BUYER;CLERK\nb, BUYER | CLERK ;\nc,BUYER\n",
			map[string][]string{"a": {"BUYER", "CLERK"}, "b": {"BUYER", "CLERK"}, "c": {"BUYER"}},
			nil,
		},
		"a JSON list": {
			"id,roles,groups\na,\"[\"\"BUYER\"\", \"\"CN=Clerks,OU=Desk\"\"]\",\"[\"\"x;y\"\"]\"\n",
			map[string][]string{"a": {"BUYER", "CN=Clerks,OU=Desk"}},
			nil,
		},
		"JSON that is no list of texts": {"id,roles\na,[BUYER]\nb,[1]\nc,\"['x']\"\nd,[]\n", nil, []string{
			`p.csv:2:3: roles: a cell that begins with [ is a JSON list: not valid JSON: invalid literal: BUYER`,
			`p.csv:3:3: roles: want a JSON list of texts, have a number in it`,
			`p.csv:4:3: roles: a cell that begins with [ is a JSON list: not valid JSON: invalid character '\'' at start of value`,
			`p.csv:5:3: principal "d" has no roles`,
		}},
		"commas": {"id,roles,groups\na,\"BUYER,CLERK\",\nb,BUYER;X,\"g, h\"\n", nil, []string{
			`p.csv:2:3: roles: "BUYER,CLERK" looks like several names with ',' between them; write ; or | there, or ["BUYER,CLERK"] if it is one name`,
			`p.csv:3:11: groups: "g, h" looks like several names with ',' between them; write ; or | there, or ["g, h"] if it is one name`,
		}},
		"commas between columns with semicolons": {"id;roles\na;BUYER,CLERK\n", nil, []string{
			`p.csv:2:3: roles: "BUYER,CLERK" looks like several names with ',' between them; write ; or | there, or ["BUYER,CLERK"] if it is one name`,
		}},
		"line breaks and tabs": {"id,roles\na,\"BUYER\nCLERK\"\nb,BUYER\tCLERK\n", nil, []string{
			`p.csv:2:3: roles: "BUYER\nCLERK" looks like several names with line breaks between them; write ; or | there, or ["BUYER\nCLERK"] if it is one name`,
			`p.csv:4:3: roles: "BUYER\tCLERK" looks like several names with tabs between them; write ; or | there, or ["BUYER\tCLERK"] if it is one name`,
		}},
		"what the column has alone": {"id,roles\na,BUYER CLERK\nb,BUYER\nc,CLERK/BUYER\nd,CLERK\n", nil, []string{
			`p.csv:2:3: roles: "BUYER CLERK" looks like several names with spaces between them; write ; or | there, or ["BUYER CLERK"] if it is one name`,
			`p.csv:4:3: roles: "CLERK/BUYER" looks like several names with '/' between them; write ; or | there, or ["CLERK/BUYER"] if it is one name`,
		}},
		"names of several words": {
			"id,roles\na,Domain Users\nb,Domain Admins\nc,Users\nd,org/admin\ne,R&D\n",
			map[string][]string{"a": {"Domain Users"}, "b": {"Domain Admins"}, "c": {"Users"}, "d": {"org/admin"}, "e": {"R&D"}},
			nil,
		},
		"one name in spite of the others": {
			"id,roles\na,\"[\"\"BUYER CLERK\"\"]\"\nb,BUYER\nc,CLERK\n",
			map[string][]string{"a": {"BUYER CLERK"}, "b": {"BUYER"}, "c": {"CLERK"}},
			nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set, err := principals.Parse("p.csv", []byte(tt.text))
			if diff := cmp.Diff(tt.want, mistakes(err)); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			streamed := 0
			for _, err := range principals.Stream("p.csv", strings.NewReader(tt.text)) {
				if err != nil {
					streamed++
				}
			}
			if streamed != len(tt.want) {
				t.Errorf("%d mistakes streamed, want %d", streamed, len(tt.want))
			}
			if err != nil {
				return
			}
			roles := map[string][]string{}
			for _, p := range set.Principals {
				roles[p.Key] = p.Roles
			}
			if diff := cmp.Diff(tt.roles, roles); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

// A text where a list belongs is no role by that name, in any format.
func TestListsAsText(t *testing.T) {
	for file, text := range map[string]string{
		"p.yaml":  "principals:\n  a: {id: a, roles: \"BUYER, CLERK\"}\n",
		"p.jsonl": `{"id": "a", "roles": "BUYER, CLERK"}`,
	} {
		_, err := principals.Parse(file, []byte(text))
		if err == nil || !strings.HasSuffix(err.Error(), `roles: want a list, have "BUYER, CLERK"; write ["BUYER", "CLERK"]`) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
