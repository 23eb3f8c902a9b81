package authz

// An ItemType is one of the four kinds of thing that an MCP server offers.
type ItemType uint8

// The types of an item.
const (
	ToolItem ItemType = iota
	PromptItem
	ResourceItem
	TemplateItem // a resource template
)

var itemTypeNames = [...]string{"tool", "prompt", "resource", "resourceTemplate"}

// ItemTypes lists every type.
func ItemTypes() []ItemType { return []ItemType{ToolItem, PromptItem, ResourceItem, TemplateItem} }

// String returns the type as JSON reports spell it: tool, prompt, resource or
// resourceTemplate.
func (t ItemType) String() string { return itemTypeNames[t] }

// ParseItemType returns the type of that name.
func ParseItemType(s string) (ItemType, bool) { return parse[ItemType](itemTypeNames[:], s) }

// Use returns the operation that uses an item of the type, the one besides
// [List].
func (t ItemType) Use() Operation {
	switch t {
	case PromptItem:
		return Get
	case ResourceItem, TemplateItem:
		return Read
	case ToolItem:
	}
	return Call
}

// An Operation is something that an MCP client may do with an item.
type Operation uint8

// The operations.
const (
	List Operation = iota // see the item in a list
	Call                  // tools/call
	Get                   // prompts/get
	Read                  // resources/read
)

var operations = [...]string{"list", "call", "get", "read"}

// TakesArguments reports whether whoever does it says with which arguments. Those of a read
// are what its URI fills into a template.
func (o Operation) TakesArguments() bool { return o != List }

// String returns list, call, get or read.
func (o Operation) String() string { return operations[o] }

// ParseOperation returns the operation of that name.
func ParseOperation(s string) (Operation, bool) { return parse[Operation](operations[:], s) }
