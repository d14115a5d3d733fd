package export

import (
	"math"

	"kakoi/internal/chat/export/pdf"
)

const (
	cellPad     = 4.0
	cellLeading = 1.45
)

// table draws a table, in as many side by side as its columns need to be wide
// enough to read.
func (p *paper) table(b block, in frame) {
	size := min(in.style.Size, 9)
	var least, most []float64
	for {
		least, most = p.measure(b, size)
		if sum(least) <= in.width() || size <= 6.5 {
			break
		}
		size -= 0.5
	}
	for i, group := range groups(least, in.width()) {
		if i > 0 {
			p.space(8)
		}
		p.sheet(b, group, share(pick(least, group), pick(most, group), in.width()), size, in)
	}
}

// groups divides columns among tables one below the other, if they are too many
// to stand side by side. The first column, which says what a row is, is in each.
func groups(least []float64, width float64) [][]int {
	const crowded = 1.3 // by how much columns may be narrower than they need
	all := make([]int, len(least))
	for j := range all {
		all[j] = j
	}
	rest := sum(least)
	if rest <= width*crowded || len(least) < 3 {
		return [][]int{all}
	}
	room := width - least[0]
	if room < width/3 {
		room = width
	}
	rest -= least[0]
	each := rest / math.Ceil(rest/(room*crowded)) // about equal
	var out [][]int
	group, used := []int{0}, 0.0
	for j := 1; j < len(least); j++ {
		if len(group) > 1 && used+least[j]/2 > each {
			out = append(out, group)
			group, used = []int{0}, 0
		}
		group = append(group, j)
		used += least[j]
	}
	return append(out, group)
}

func pick(v []float64, columns []int) []float64 {
	out := make([]float64, len(columns))
	for i, j := range columns {
		out[i] = v[j]
	}
	return out
}

func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

// measure finds, for each column, the width it needs and the width it would like.
func (p *paper) measure(b block, size float64) (least, most []float64) {
	least, most = make([]float64, len(b.columns)), make([]float64, len(b.columns))
	style := pdf.Style{Size: size, Color: black}
	for i, cells := range b.rows {
		for j := range min(len(cells), len(b.columns)) {
			f := flowOf(p.out, headed(cells[j], i == 0), style, p.words)
			most[j] = max(most[j], f.natural+2*cellPad+0.5)
			// Four characters are a column; a long address does not claim the page.
			least[j] = max(least[j], min(max(f.longest, min(f.natural, 4*size)), 14*size)+2*cellPad+0.5)
		}
	}
	return least, most
}

func headed(runs []run, header bool) []run {
	if !header {
		return runs
	}
	out := make([]run, len(runs))
	for i, r := range runs {
		r.bold = true
		out[i] = r
	}
	return out
}

// share gives each column what it needs, then what it likes.
func share(least, most []float64, width float64) []float64 {
	if sum(most) <= width {
		return most
	}
	out := make([]float64, len(least))
	if need := sum(least); need > width {
		for j := range out {
			out[j] = least[j] * width / need
		}
		return out
	}
	spare, wish := width-sum(least), 0.0
	for j := range least {
		wish += math.Sqrt(most[j] - least[j])
	}
	for j := range least {
		out[j] = least[j]
		if wish > 0 {
			out[j] += spare * math.Sqrt(most[j]-least[j]) / wish
		}
	}
	return out
}

// cell is a cell in lines.
type cell struct {
	flow  flow
	lines []line
}

// sheet draws some of the columns.
func (p *paper) sheet(b block, columns []int, widths []float64, size float64, in frame) {
	p.out.Begin("Table")
	defer p.out.End()
	height := size * cellLeading
	style := pdf.Style{Size: size, Color: black}
	layOut := func(i int) (cells []cell, lines int) {
		for n, j := range columns {
			var c cell
			if j < len(b.rows[i]) {
				c.flow = flowOf(p.out, headed(b.rows[i][j], i == 0), style, p.words)
				c.lines = c.flow.lines(widths[n]-2*cellPad, false)
			}
			lines = max(lines, len(c.lines))
			cells = append(cells, c)
		}
		return cells, max(lines, 1)
	}
	// draw places lines first to last of a row.
	draw := func(cells []cell, first, last int, header bool) {
		h := float64(last-first)*height + 2*cellPad
		x := in.left
		total := sum(widths)
		if header {
			p.out.Rect(x, p.y, total, h, pale)
		}
		tag := "TD"
		if header {
			tag = "TH"
		}
		p.out.Begin("TR")
		for j, c := range cells {
			p.out.Begin(tag)
			for n := first; n < min(last, len(c.lines)); n++ {
				l := c.lines[n]
				at := x + cellPad
				switch b.columns[columns[j]] {
				case alignRight:
					at = x + widths[j] - cellPad - l.width
				case alignCenter:
					at = x + (widths[j]-l.width)/2
				}
				l.draw(p.out, c.flow.inks, at, p.y+cellPad+float64(n-first)*height+height*0.5+size*0.36)
			}
			p.out.End()
			p.out.Line(x, p.y, x, p.y+h, 0.5, rim)
			x += widths[j]
		}
		p.out.End()
		p.out.Line(x, p.y, x, p.y+h, 0.5, rim)
		p.out.Line(in.left, p.y, x, p.y, 0.5, rim)
		p.out.Line(in.left, p.y+h, x, p.y+h, 0.5, rim)
		p.advance(h)
	}
	header, headLines := layOut(0)
	headHeight := float64(headLines)*height + 2*cellPad
	repeat := headHeight < (bottom-topMargin)/3
	next := func() {
		p.newPage()
		if repeat {
			p.out.Aside(func() { draw(header, 0, headLines, true) })
		}
	}
	p.space(3)
	p.need(headHeight + 2*height)
	for i := range b.rows {
		cells, lines := header, headLines
		if i > 0 {
			cells, lines = layOut(i)
		}
		for first := 0; first < lines; {
			fit := int((bottom - p.y - 2*cellPad) / height)
			left := lines - first
			page := int((bottom - topMargin - headHeight - 2*cellPad) / height)
			if i == 0 {
				page = int((bottom - topMargin - 2*cellPad) / height)
			}
			if fit < left && !p.fresh && (first == 0 && left <= page || fit < 1) && (i > 0 || fit < 1) {
				if i == 0 {
					p.newPage()
				} else {
					next()
				}
				fit = max(int((bottom-p.y-2*cellPad)/height), 1)
			}
			n := min(max(fit, 1), left)
			draw(cells, first, first+n, i == 0)
			if first += n; first < lines {
				if i == 0 {
					p.newPage()
				} else {
					next()
				}
			}
		}
	}
	p.space(3)
}
