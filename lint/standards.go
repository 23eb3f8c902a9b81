package lint

// standards are the titles of the entries that rules refer to.
var standards = map[string]string{
	"CWE-22":   "Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')",
	"CWE-250":  "Execution with Unnecessary Privileges",
	"CWE-266":  "Incorrect Privilege Assignment",
	"CWE-272":  "Least Privilege Violation",
	"CWE-425":  "Direct Request ('Forced Browsing')",
	"CWE-441":  "Unintended Proxy or Intermediary ('Confused Deputy')",
	"CWE-561":  "Dead Code",
	"CWE-570":  "Expression is Always False",
	"CWE-571":  "Expression is Always True",
	"CWE-625":  "Permissive Regular Expression",
	"CWE-636":  "Not Failing Securely ('Failing Open')",
	"CWE-807":  "Reliance on Untrusted Inputs in a Security Decision",
	"CWE-862":  "Missing Authorization",
	"CWE-863":  "Incorrect Authorization",
	"CWE-1220": "Insufficient Granularity of Access Control",
	"CWE-1230": "Exposure of Sensitive Information Through Metadata",

	"OWASP MCP02:2025": "Privilege Escalation via Scope Creep",
	"OWASP MCP03:2025": "Tool Poisoning",
	"OWASP MCP07:2025": "Insufficient Authentication & Authorization",
	"OWASP MCP10:2025": "Context Injection & Over-Sharing",

	"ASI02": "Tool Misuse and Exploitation",
	"ASI03": "Identity and Privilege Abuse",

	"NHI1:2025": "Improper Offboarding",
	"NHI5:2025": "Overprivileged NHI",

	"NIST CSF 2.0 PR.AA-05": "Access permissions are defined in a policy, managed, enforced and reviewed",
	"NIST SP 800-207 2.1":   "Tenets of Zero Trust",
	"NIST SP 800-53r5 AC-5": "Separation of Duties",
	"NIST SP 800-53r5 AC-6": "Least Privilege",
}

// StandardTitle returns the title of a standard that findings refer to, or "".
func StandardTitle(id string) string { return standards[id] }

// What several rules refer to.
var (
	noPolicyDecides = []string{"CWE-862", "OWASP MCP07:2025", "ASI02", "NHI5:2025", "NIST CSF 2.0 PR.AA-05"}
	tooManyMay      = []string{
		"CWE-1220", "CWE-272", "OWASP MCP02:2025", "ASI03", "NHI5:2025", "NIST CSF 2.0 PR.AA-05", "NIST SP 800-207 2.1",
	}
	destructiveUnconditionally = []string{"CWE-250", "OWASP MCP02:2025", "ASI02", "NHI5:2025", "NIST SP 800-53r5 AC-6"}

	deadRule  = []string{"CWE-561", "NIST CSF 2.0 PR.AA-05"}
	goneGrant = []string{"CWE-561", "OWASP MCP02:2025", "NHI1:2025", "NIST CSF 2.0 PR.AA-05"}
)
