// Package classification says how confidential something is.
package classification

import "strconv"

// Class is how confidential something is, in the levels 機密性1 to 3 of the
// common standards for cybersecurity measures of Japan's government agencies
// (政府機関等のサイバーセキュリティ対策のための統一基準). More is more confidential.
type Class int

// The classes.
const (
	None       Class = 0 // nobody has said
	Public     Class = 1 // 機密性1: may become known to anybody
	Internal   Class = 2 // 機密性2: not meant for the public
	Restricted Class = 3 // 機密性3: secret within the organisation, too
)

// All are the classes that something can be given.
func All() []Class { return []Class{Public, Internal, Restricted} }

// Any are the classes that what is sent may be of, given or not, the least
// confidential first.
func Any() []Class { return append([]Class{None}, All()...) }

// Valid reports whether something can be given class c.
func (c Class) Valid() bool { return c >= Public && c <= Restricted }

// String returns c as records show it: "1", or "none".
func (c Class) String() string {
	if c == None {
		return "none"
	}
	return strconv.Itoa(int(c))
}
