package imports

import (
	"cmp"
	"slices"
	"time"
)

// node is one entry of an export's tree before it is put in order.
type node struct {
	id, parent string
	children   []string // their order, where the export says it
	message    *Message // nil for what is not taken
	skip       Reason   // why it is not; "" for an entry that never was a message
}

// tally counts the things of one conversation, until it is known whether the
// conversation is taken.
type tally struct {
	messages, attachments Counts
	merged                int
	omitted               map[Reason]int
}

func (t *tally) omit(why Reason) {
	if t.omitted == nil {
		t.omitted = make(map[Reason]int)
	}
	t.omitted[why]++
}

// assemble puts nodes, which come in the order of the file, into the order of
// a tree and leaves out those that have no message; their children move up to
// the next that has. An answer that comes in several nodes without a branch
// between them becomes one message if merge is set. It counts the messages in
// t and returns them with the id of the message that stands for leaf, or of
// the latest if leaf is unknown.
func assemble(nodes []node, leaf string, merge bool, t *tally) ([]Message, string) {
	index := make(map[string]int, len(nodes))
	kept := nodes[:0]
	for _, n := range nodes {
		if _, twice := index[n.id]; twice {
			t.messages.Skip(ReasonDuplicate, 1)
			continue
		}
		index[n.id] = len(kept)
		kept = append(kept, n)
	}
	nodes = kept

	children, roots := link(nodes, index)

	var out []Message
	at := make([]int, len(nodes)) // the message that stands for the node, from 1
	type step struct {
		node, above int  // above: the message it hangs below, from 1
		alone       bool // no branch lies between the two
	}
	stack := make([]step, 0, len(nodes))
	push := func(list []int, above int, alone bool) {
		for _, i := range slices.Backward(list) {
			stack = append(stack, step{i, above, alone && len(list) == 1})
		}
	}
	seen := make([]bool, len(nodes))
	push(roots, 0, false)
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[s.node] {
			continue
		}
		seen[s.node] = true
		n := &nodes[s.node]
		switch {
		case n.message == nil:
			if n.skip != "" {
				t.messages.Skip(n.skip, 1)
			}
			at[s.node] = s.above
			push(children[s.node], s.above, s.alone)
			continue
		case merge && s.alone && s.above > 0 && n.message.Role == Assistant && out[s.above-1].Role == Assistant:
			join(&out[s.above-1], *n.message)
			t.merged++
			at[s.node] = s.above
		default:
			m := *n.message
			m.ID, m.ParentID = n.id, ""
			if s.above > 0 {
				m.ParentID = out[s.above-1].ID
			}
			out = append(out, m)
			at[s.node] = len(out)
		}
		t.messages.Take()
		push(children[s.node], at[s.node], true)
	}
	for i, n := range nodes { // what hangs on itself is below no root
		if !seen[i] && (n.message != nil || n.skip != "") {
			t.messages.Skip(ReasonMalformed, 1)
		}
	}
	if i, ok := index[leaf]; ok && at[i] > 0 {
		return out, out[at[i]-1].ID
	}
	return out, latest(out)
}

// link returns the children of each node in their order, and the nodes without
// a parent.
func link(nodes []node, index map[string]int) (children [][]int, roots []int) {
	place := make([]int, len(nodes)) // among its siblings, where the parent says it
	for i := range nodes {
		place[i] = len(nodes) + i
	}
	for p := range nodes {
		for k, id := range nodes[p].children {
			c, ok := index[id]
			if !ok || c == p {
				continue
			}
			if _, ok := index[nodes[c].parent]; !ok {
				nodes[c].parent = nodes[p].id // the child does not know, but the parent does
			}
			if nodes[c].parent == nodes[p].id && place[c] >= len(nodes) {
				place[c] = k
			}
		}
	}
	children = make([][]int, len(nodes))
	for i := range nodes {
		if p, ok := index[nodes[i].parent]; ok && p != i {
			children[p] = append(children[p], i)
		} else {
			roots = append(roots, i)
		}
	}
	for _, list := range children {
		slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(place[a], place[b]) })
	}
	return children, roots
}

// join appends the next piece of an answer to it.
func join(m *Message, next Message) {
	m.Parts = append(m.Parts, next.Parts...)
	if next.ModelName != "" {
		m.ModelName = next.ModelName
	}
	for _, t := range []time.Time{next.CreatedAt, next.FinishedAt} {
		if t.After(m.FinishedAt) {
			m.FinishedAt = t
		}
	}
	m.Unfinished = next.Unfinished
	if next.Feedback.Rating != "" {
		m.Feedback = next.Feedback
	}
}

// latest returns the id of the end of a branch that is newest or, where no
// times tell, stands last in the file.
func latest(messages []Message) string {
	parents := make(map[string]bool, len(messages))
	for _, m := range messages {
		parents[m.ParentID] = true
	}
	var id string
	var newest time.Time
	for _, m := range messages {
		if !parents[m.ID] && (id == "" || !m.CreatedAt.Before(newest)) {
			id, newest = m.ID, m.CreatedAt
		}
	}
	return id
}
