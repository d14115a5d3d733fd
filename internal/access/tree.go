package access

import "slices"

// Tree is the organisation's units as they stand at one moment. The zero value,
// and nil, has none.
type Tree struct {
	parent   map[string]string
	children map[string][]string
}

// NewTree returns the tree in which each unit stands below its parent. A unit
// whose parent is not there stands at the top; one that stands below itself is
// cut loose from its parent.
func NewTree(parents map[string]string) *Tree {
	t := &Tree{parent: make(map[string]string, len(parents)), children: map[string][]string{}}
	for _, unit := range sortedKeys(parents) {
		above := parents[unit]
		if _, known := parents[above]; !known || t.above(above, unit) {
			above = ""
		}
		t.parent[unit] = above
		t.children[above] = append(t.children[above], unit)
	}
	return t
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// above reports whether unit is looked for among id and what is above it so far.
func (t *Tree) above(id, unit string) bool {
	for ; id != ""; id = t.parent[id] {
		if id == unit {
			return true
		}
	}
	return false
}

// Has reports whether there is such a unit.
func (t *Tree) Has(id string) bool {
	if t == nil {
		return false
	}
	_, known := t.parent[id]
	return known
}

// Units returns all units, sorted.
func (t *Tree) Units() []string {
	if t == nil {
		return nil
	}
	return sortedKeys(t.parent)
}

// Path returns a unit and all above it, the nearest first; nil if there is no
// such unit.
func (t *Tree) Path(id string) []string {
	if !t.Has(id) {
		return nil
	}
	var path []string
	for ; id != ""; id = t.parent[id] {
		path = append(path, id)
	}
	return path
}

// Below returns a unit and all below it; nil if there is no such unit.
func (t *Tree) Below(id string) []string {
	if !t.Has(id) {
		return nil
	}
	list := []string{id}
	for i := 0; i < len(list); i++ {
		list = append(list, t.children[list[i]]...)
	}
	return list
}

// Within reports whether unit id is one of roots or below one of them.
func (t *Tree) Within(id string, roots ...string) bool {
	return slices.ContainsFunc(t.Path(id), func(unit string) bool { return slices.Contains(roots, unit) })
}
