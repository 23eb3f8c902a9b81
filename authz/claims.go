package authz

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Claims returns the claims of a token as a PDP shows them to conditions: see
// [Claim]. A claim that a PDP refuses the token for is an error, all of them
// joined.
func Claims(token map[string]any) (map[string]any, error) {
	if token == nil {
		return nil, nil
	}
	seen := make(map[string]any, len(token))
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(token)) {
		v, shown, err := Claim(name, token[name])
		if err != nil {
			errs = append(errs, err)
		}
		if shown {
			seen[name] = v
		}
	}
	return seen, errors.Join(errs...)
}

// Claim returns what a PDP makes of one claim of a token, a JSON value, and
// whether conditions see it at all. It makes a list of aud, RFC 3339 texts in
// whole seconds of exp, iat and nbf, an empty text of an iss, jti or sub that
// is null, and leaves every other claim that is null out. An error says why a
// PDP refuses a token with this claim. Claim is stable: what it returns it
// returns again, except for times after the year 9999.
func Claim(name string, v any) (seen any, shown bool, err error) {
	switch name {
	case "aud":
		seen, err = audience(v)
	case "exp", "iat", "nbf":
		seen, err = numericDate(v)
	case "iss", "jti", "sub":
		if v == nil {
			return "", true, nil
		}
		if _, isText := v.(string); !isText {
			err = errors.New("want a text")
		}
		seen = v
	default:
		return v, v != nil, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: a PDP refuses a token with this claim: %w", name, err)
	}
	return seen, true, nil
}

func audience(v any) ([]any, error) {
	switch v := v.(type) {
	case string:
		return []any{v}, nil
	case []any:
		for _, one := range v {
			if _, isText := one.(string); !isText {
				return nil, errors.New("want a text or a list of texts")
			}
		}
		return v, nil
	}
	return nil, errors.New("want a text or a list of texts")
}

var errNoDate = errors.New("want a time in seconds since 1970, or in the form 2026-01-31T12:00:00Z")

// numericDate returns a time as RFC 3339. A PDP takes texts too.
func numericDate(v any) (string, error) {
	var text string
	switch v := v.(type) {
	case float64:
		text = strconv.FormatFloat(v, 'f', 9, 64)
	case string:
		text = v
	default:
		return "", errNoDate
	}
	if strings.Trim(text, "0123456789.") != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return "", errNoDate
		}
		return at.UTC().Format(time.RFC3339), nil
	}
	if i := strings.IndexByte(text, '.'); i > 0 {
		text = text[:i]
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return "", errNoDate
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339), nil
}
