package script

import (
	"hash/fnv"
	"math"
	"strings"
)

// Vector is what the fakes make of a text: the directions of its pairs of
// characters, added up and of length 1. Texts that share words are near each
// other, and equal ones are the same.
func Vector(text string, dimensions int) []float32 {
	v := make([]float32, max(dimensions, 0))
	if len(v) == 0 {
		return v
	}
	runes := []rune(strings.ToLower(text))
	for i := range runes {
		h := fnv.New64a()
		h.Write([]byte(string(runes[i:min(i+2, len(runes))])))
		sum := h.Sum64()
		weight := float32(1)
		if sum>>63 == 1 {
			weight = -1
		}
		v[sum%uint64(len(v))] += weight
	}
	var square float64
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	if square == 0 {
		v[0] = 1
		return v
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(square))
	}
	return v
}

// Nearness is how near two texts are, from 0 to 1.
func Nearness(a, b string) float64 {
	const dimensions = 512
	x, y := Vector(a, dimensions), Vector(b, dimensions)
	var dot float64
	for i := range x {
		dot += float64(x[i]) * float64(y[i])
	}
	return min(max(dot, 0), 1)
}
