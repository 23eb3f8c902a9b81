package report

// These are the parts of SARIF 2.1.0 that mcpolicy writes, as the OASIS
// standard names them. A published library for Go has them all, but writes the
// values that mean "unset" into every object, which validators warn about.

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool               sarifTool                `json:"tool"`
	Invocations        []sarifInvocation        `json:"invocations"`
	OriginalURIBaseIDs map[string]sarifArtifact `json:"originalUriBaseIds"`
	ColumnKind         string                   `json:"columnKind"`
	Taxonomies         []*sarifComponent        `json:"taxonomies,omitempty"`
	Results            []sarifResult            `json:"results"`
}

type sarifTool struct {
	Driver *sarifComponent `json:"driver"`
}

type sarifComponent struct {
	Name                string            `json:"name"`
	Version             string            `json:"version,omitempty"`
	Organization        string            `json:"organization,omitempty"`
	ShortDescription    *sarifText        `json:"shortDescription,omitempty"`
	SupportedTaxonomies []sarifRef        `json:"supportedTaxonomies,omitempty"`
	Rules               []sarifDescriptor `json:"rules,omitzero"`
	Taxa                []sarifDescriptor `json:"taxa,omitempty"`
}

// A sarifRef refers to a component of the tool, or to one of its descriptors.
type sarifRef struct {
	Name          string    `json:"name,omitempty"`
	ID            string    `json:"id,omitempty"`
	Index         int       `json:"index"`
	ToolComponent *sarifRef `json:"toolComponent,omitempty"`
}

// A sarifDescriptor is a rule, or an entry of a taxonomy.
type sarifDescriptor struct {
	ID                   string              `json:"id"`
	ShortDescription     *sarifText          `json:"shortDescription,omitempty"`
	FullDescription      *sarifText          `json:"fullDescription,omitempty"`
	Help                 *sarifText          `json:"help,omitempty"`
	HelpURI              string              `json:"helpUri,omitempty"`
	DefaultConfiguration *sarifConfiguration `json:"defaultConfiguration,omitempty"`
	Relationships        []sarifRelationship `json:"relationships,omitempty"`
	Properties           *sarifProperties    `json:"properties,omitempty"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

type sarifRelationship struct {
	Target sarifRef `json:"target"`
	Kinds  []string `json:"kinds"`
}

// sarifProperties are those of a rule that GitHub sorts and filters by.
type sarifProperties struct {
	Tags             []string `json:"tags"`
	ProblemSeverity  string   `json:"problem.severity"`
	Precision        string   `json:"precision"` // the rule's confidence
	SecuritySeverity string   `json:"security-severity,omitempty"`
}

// A sarifText is a message, or a multiformat message string.
type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	ExitCode            int                 `json:"exitCode"`
	ExitCodeDescription string              `json:"exitCodeDescription"`
	Configuration       []sarifNotification `json:"toolConfigurationNotifications,omitempty"`
	Execution           []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifResult struct {
	RuleID              string             `json:"ruleId"`
	RuleIndex           int                `json:"ruleIndex"`
	Level               string             `json:"level"`
	Message             sarifText          `json:"message"`
	Locations           []sarifLocation    `json:"locations"`
	RelatedLocations    []sarifLocation    `json:"relatedLocations,omitempty"`
	PartialFingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions        []sarifSuppression `json:"suppressions,omitempty"`
	Baseline            string             `json:"baselineState,omitempty"` // where there is a base
}

type sarifSuppression struct {
	Kind          string         `json:"kind"`
	Status        string         `json:"status"`
	Justification string         `json:"justification"`
	Location      *sarifLocation `json:"location,omitempty"` // of the waiver
}

type sarifLocation struct {
	ID               *int           `json:"id,omitempty"`
	Message          *sarifText     `json:"message,omitempty"`
	PhysicalLocation sarifPhysical  `json:"physicalLocation"`
	LogicalLocations []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	ArtifactLocation sarifArtifact `json:"artifactLocation"`
	Region           sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI         string     `json:"uri,omitempty"`
	URIBaseID   string     `json:"uriBaseId,omitempty"`
	Description *sarifText `json:"description,omitempty"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

type sarifLogical struct {
	Name               string `json:"name"`
	FullyQualifiedName string `json:"fullyQualifiedName,omitempty"`
}
