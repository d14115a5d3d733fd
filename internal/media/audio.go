package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// The containers that browsers record into, and the one that every speech
// server reads.
const (
	typeWAV  = "audio/wav"
	typeOgg  = "audio/ogg"
	typeWebM = "audio/webm"
	typeMP4  = "audio/mp4"
)

// aliases are the names under which clients send them.
var aliases = map[string]string{
	"audio/wav": typeWAV, "audio/wave": typeWAV, "audio/x-wav": typeWAV, "audio/vnd.wave": typeWAV,
	"audio/ogg": typeOgg, "application/ogg": typeOgg, "audio/opus": typeOgg,
	"audio/webm": typeWebM, "video/webm": typeWebM,
	"audio/mp4": typeMP4, "audio/x-m4a": typeMP4, "audio/m4a": typeMP4, "video/mp4": typeMP4,
}

// typeOf tells a recording by its content, or returns "".
func typeOf(b []byte) string {
	switch {
	case len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WAVE":
		return typeWAV
	case bytes.HasPrefix(b, []byte("OggS")):
		return typeOgg
	case bytes.HasPrefix(b, []byte{0x1a, 0x45, 0xdf, 0xa3}):
		return typeWebM
	case len(b) > 12 && string(b[4:8]) == "ftyp":
		return typeMP4
	}
	return ""
}

var errDamaged = errors.New("the container cannot be read, or there is no sound in it")

// durationOf returns how long a recording lasts by what its container says of
// its sound. Recorders write no total into the head of what they have not ended
// yet, so the last moment that is marked counts.
func durationOf(mediaType string, b []byte) (time.Duration, error) {
	var seconds float64
	switch mediaType {
	case typeWAV:
		seconds = wavSeconds(b)
	case typeOgg:
		seconds = oggSeconds(b)
	case typeWebM:
		seconds = webmSeconds(b)
	case typeMP4:
		seconds = mp4Seconds(b)
	}
	const longest = 1e6 // more is no recording but an overflow
	if !(seconds > 0) || seconds > longest {
		return 0, errDamaged
	}
	return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond, nil
}

// wavSeconds divides the sound by the bytes of a second. A data chunk that
// claims more than is there, as of a recorder that streams, ends with the file.
func wavSeconds(b []byte) float64 {
	perSecond := 0.0
	for rest := b[12:]; len(rest) >= 8; {
		name, size := string(rest[:4]), int(binary.LittleEndian.Uint32(rest[4:8]))
		rest = rest[8:]
		size = min(size, len(rest))
		switch {
		case name == "fmt " && size >= 16:
			perSecond = float64(binary.LittleEndian.Uint32(rest[8:12]))
		case name == "data" && perSecond > 0:
			return float64(size) / perSecond
		}
		rest = rest[min(size+size%2, len(rest)):]
	}
	return 0
}

// oggSeconds reads the position of the last page. Opus always counts 48,000 a
// second, and Vorbis says.
func oggSeconds(b []byte) float64 {
	rate := 48000.0
	if i := bytes.Index(b[:min(len(b), 512)], []byte("\x01vorbis")); i >= 0 && len(b) >= i+16 {
		rate = float64(binary.LittleEndian.Uint32(b[i+12:]))
	}
	for end := len(b); end > 0; {
		i := bytes.LastIndex(b[:end], []byte("OggS"))
		if i < 0 {
			return 0
		}
		if i+14 <= len(b) {
			// A page on which no packet ends has no position.
			if position := int64(binary.LittleEndian.Uint64(b[i+6:])); position > 0 {
				return float64(position) / rate
			}
		}
		end = i
	}
	return 0
}

// The elements of Matroska that lead to the times of blocks.
const (
	webmSegment       = 0x18538067
	webmInfo          = 0x1549a966
	webmTimecodeScale = 0x2ad7b1 // nanoseconds of a tick
	webmCluster       = 0x1f43b675
	webmClusterTime   = 0xe7
	webmBlockGroup    = 0xa0
	webmBlock         = 0xa1
	webmSimpleBlock   = 0xa3
)

// webmSeconds returns when the last block begins, plus what a block of Opus
// lasts as browsers write it. Elements that hold others are stepped into and
// never left, so that no nesting costs anything.
func webmSeconds(b []byte) float64 {
	const block = 0.02
	scale, cluster, last := 1e6, 0.0, -1.0
	for len(b) > 0 {
		id, n := ebmlNumber(b, false)
		if n == 0 {
			break
		}
		size, m := ebmlNumber(b[n:], true)
		if m == 0 {
			break
		}
		b = b[n+m:]
		if id == webmSegment || id == webmInfo || id == webmCluster || id == webmBlockGroup {
			continue
		}
		content := b[:min(size, uint64(len(b)))]
		switch id {
		case webmTimecodeScale:
			scale = ebmlUint(content)
		case webmClusterTime:
			cluster = ebmlUint(content)
		case webmSimpleBlock, webmBlock:
			if _, track := ebmlNumber(content, true); track > 0 && len(content) >= track+2 {
				last = max(last, cluster+float64(int16(binary.BigEndian.Uint16(content[track:]))))
			}
		}
		b = b[len(content):]
	}
	if last < 0 {
		return 0
	}
	return last*scale/1e9 + block
}

// ebmlUnknown is a size that was not known when it was written.
const ebmlUnknown = math.MaxUint64

// ebmlNumber reads a number of variable length and returns it with its length,
// 0 if there is none. An id keeps its length mark; a size loses it.
func ebmlNumber(b []byte, size bool) (uint64, int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n := 1
	for mask := byte(0x80); b[0]&mask == 0; mask >>= 1 {
		n++
	}
	if len(b) < n {
		return 0, 0
	}
	v := uint64(b[0])
	if size {
		v &= 1<<(8-n) - 1
	}
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	if size && v == 1<<(7*n)-1 {
		return ebmlUnknown, n
	}
	return v, n
}

func ebmlUint(b []byte) float64 {
	v := 0.0
	for _, c := range b[:min(len(b), 8)] {
		v = v*256 + float64(c)
	}
	return v
}

// mp4Seconds returns the longer of what the head says and what the fragments
// add up to, which is where recorders say it. Like webmSeconds, it steps into
// boxes and never out of them.
func mp4Seconds(b []byte) float64 {
	var head, perSecond, ticks, usual float64
	for len(b) >= 8 {
		size, begin, name := uint64(binary.BigEndian.Uint32(b)), 8, string(b[4:8])
		if size == 1 && len(b) >= 16 {
			size, begin = binary.BigEndian.Uint64(b[8:]), 16
		}
		switch name {
		case "moov", "trak", "mdia", "mvex", "moof", "traf":
			b = b[begin:]
			continue
		}
		if size == 0 {
			size = uint64(len(b)) // the last box, to the end
		}
		size = min(size, uint64(len(b)))
		if size < uint64(begin) {
			break
		}
		content := b[begin:size]
		switch name {
		case "mdhd":
			if scale, duration, ok := mp4Duration(content); ok {
				perSecond, head = scale, max(head, duration/scale)
			}
		case "trex":
			if len(content) >= 16 {
				usual = float64(binary.BigEndian.Uint32(content[12:]))
			}
		case "tfhd":
			if d, ok := mp4Usual(content); ok {
				usual = d
			}
		case "trun":
			ticks += mp4Run(content, usual)
		}
		b = b[size:]
	}
	if perSecond == 0 {
		return 0
	}
	return max(head, ticks/perSecond)
}

// mp4Duration reads the head of a track: ticks of a second, and all of them.
func mp4Duration(b []byte) (scale, duration float64, ok bool) {
	switch {
	case len(b) >= 20 && b[0] == 0:
		scale, duration = float64(binary.BigEndian.Uint32(b[12:])), float64(binary.BigEndian.Uint32(b[16:]))
		if duration == math.MaxUint32 {
			duration = 0 // not known
		}
	case len(b) >= 32 && b[0] == 1:
		scale, duration = float64(binary.BigEndian.Uint32(b[20:])), float64(binary.BigEndian.Uint64(b[24:]))
		if binary.BigEndian.Uint64(b[24:]) == math.MaxUint64 {
			duration = 0
		}
	}
	return scale, duration, scale > 0
}

// mp4Usual reads how long a sample of a fragment lasts that does not say so.
func mp4Usual(b []byte) (float64, bool) {
	if len(b) < 8 {
		return 0, false
	}
	flags := binary.BigEndian.Uint32(b) & 0xffffff
	at := 8
	if flags&0x1 != 0 {
		at += 8
	}
	if flags&0x2 != 0 {
		at += 4
	}
	if flags&0x8 == 0 || len(b) < at+4 {
		return 0, false
	}
	return float64(binary.BigEndian.Uint32(b[at:])), true
}

// mp4Run adds up the samples of a run.
func mp4Run(b []byte, usual float64) float64 {
	if len(b) < 8 {
		return 0
	}
	flags, count := binary.BigEndian.Uint32(b)&0xffffff, int(binary.BigEndian.Uint32(b[4:]))
	if flags&0x100 == 0 {
		return float64(count) * usual
	}
	at, each := 8, 0
	for _, f := range []uint32{0x1, 0x4} {
		if flags&f != 0 {
			at += 4
		}
	}
	for _, f := range []uint32{0x100, 0x200, 0x400, 0x800} {
		if flags&f != 0 {
			each += 4
		}
	}
	ticks := 0.0
	for ; count > 0 && len(b) >= at+each; count-- {
		ticks += float64(binary.BigEndian.Uint32(b[at:]))
		at += each
	}
	return ticks
}
