package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"
)

// wav is a second of silence for each of seconds.
func wav(seconds float64) []byte {
	const rate = 16000
	sound := make([]byte, int(seconds*rate)*2)
	var b bytes.Buffer
	b.WriteString("RIFF")
	le(&b, uint32(36+len(sound)))
	b.WriteString("WAVEfmt ")
	le(&b, uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2*rate), uint16(2), uint16(16))
	b.WriteString("data")
	le(&b, uint32(len(sound)))
	b.Write(sound)
	return b.Bytes()
}

func le(b *bytes.Buffer, values ...any) { put(b, binary.LittleEndian, values...) }
func be(b *bytes.Buffer, values ...any) { put(b, binary.BigEndian, values...) }

func put(b *bytes.Buffer, order binary.ByteOrder, values ...any) {
	for _, v := range values {
		_ = binary.Write(b, order, v) // a buffer takes everything
	}
}

// ogg is a file of two pages, the last of which ends at a position.
func ogg(head string, position int64) []byte {
	page := func(kind byte, position int64, content string) []byte {
		var b bytes.Buffer
		b.WriteString("OggS\x00")
		b.WriteByte(kind)
		le(&b, position, uint32(1), uint32(0), uint32(0), uint8(1), uint8(len(content)))
		b.WriteString(content)
		return b.Bytes()
	}
	return append(page(2, 0, head), page(4, position, "sound")...)
}

// element is one of Matroska's; a nil size is not known.
func element(id string, known bool, content []byte) []byte {
	out := []byte(id)
	if known {
		out = append(out, 0x10, byte(len(content)>>16), byte(len(content)>>8), byte(len(content)))
	} else {
		out = append(out, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	}
	return append(out, content...)
}

// webm is as MediaRecorder writes it: nothing of its length is in its head.
func webm(clusters ...[]byte) []byte {
	head := element("\x1a\x45\xdf\xa3", true, element("\x42\x82", true, []byte("webm")))
	info := element("\x15\x49\xa9\x66", true, element("\x2a\xd7\xb1", true, []byte{0x0f, 0x42, 0x40}))
	return append(head, element("\x18\x53\x80\x67", false, append(info, bytes.Join(clusters, nil)...))...)
}

func cluster(at uint16, block string, offsets ...int16) []byte {
	content := element("\xe7", true, binary.BigEndian.AppendUint16(nil, at))
	for _, offset := range offsets {
		inner := element(block, true, append(binary.BigEndian.AppendUint16([]byte{0x81}, uint16(offset)), 0x80, 'o', 'p', 'u', 's'))
		if block == "\xa1" {
			inner = element("\xa0", true, inner)
		}
		content = append(content, inner...)
	}
	return element("\x1f\x43\xb6\x75", false, content)
}

func box(name string, values ...any) []byte {
	var b bytes.Buffer
	be(&b, values...)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+b.Len())), name...), b.Bytes()...)
}

// mp4 has a track of 48,000 ticks a second and lasts as long as its head says,
// or its fragments.
func mp4(duration uint32, fragments ...[]byte) []byte {
	mdhd := box("mdhd", uint32(0), uint32(0), uint32(0), uint32(48000), duration, uint32(0))
	moov := box("moov", box("trak", box("mdia", mdhd)), box("mvex", box("trex", uint32(0), uint32(1), uint32(1), uint32(1024), uint32(0), uint32(0))))
	return append(append(box("ftyp", []byte("isom\x00\x00\x00\x00")), moov...), bytes.Join(fragments, nil)...)
}

func fragment(boxes ...[]byte) []byte {
	return box("moof", box("traf", bytes.Join(boxes, nil)))
}

func TestARecordingIsAsLongAsItsSound(t *testing.T) {
	const opus, vorbis = "OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00", "\x01vorbis\x00\x00\x00\x00\x01\x44\xac\x00\x00"
	streamed := wav(2)
	binary.LittleEndian.PutUint32(streamed[40:], math.MaxUint32)
	padded := append(wav(1)[:36:36], "LIST\x03\x00\x00\x00abc\x00"...)
	padded = append(padded, wav(1)[36:]...)
	for _, tt := range []struct {
		name string
		data []byte
		kind string
		want time.Duration
	}{
		{"WAV", wav(1.5), typeWAV, 1500 * time.Millisecond},
		{"WAV whose writer did not know its length", streamed, typeWAV, 2 * time.Second},
		{"WAV with something before the sound", padded, typeWAV, time.Second},
		{"Opus in Ogg", ogg(opus, 3*48000), typeOgg, 3 * time.Second},
		{"Vorbis in Ogg", ogg(vorbis, 2*44100), typeOgg, 2 * time.Second},
		{"a last page without a position", append(ogg(opus, 48000), ogg(opus, -1)...), typeOgg, time.Second},
		{"WebM", webm(cluster(0, "\xa3", 0, 20, 40), cluster(1000, "\xa3", -20, 480)), typeWebM, 1500 * time.Millisecond},
		{"WebM in block groups", webm(cluster(1980, "\xa1", 0)), typeWebM, 2 * time.Second},
		{"MP4 with a head that knows", mp4(96000), typeMP4, 2 * time.Second},
		{"MP4 in fragments of samples that say their length", mp4(0, fragment(box("tfhd", uint32(0), uint32(1)), box("trun", uint32(0x301), uint32(2), uint32(9), uint32(24000), uint32(5), uint32(24000), uint32(5)))), typeMP4, time.Second},
		{"MP4 in fragments of equal samples", mp4(math.MaxUint32, fragment(box("tfhd", uint32(8), uint32(1), uint32(4800)), box("trun", uint32(0), uint32(10))), fragment(box("tfhd", uint32(8), uint32(1), uint32(4800)), box("trun", uint32(0), uint32(10)))), typeMP4, 2 * time.Second},
		{"MP4 in fragments of the usual samples", mp4(0, fragment(box("trun", uint32(0), uint32(375)))), typeMP4, 8 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := typeOf(tt.data); got != tt.kind {
				t.Fatalf("type = %q, want %q", got, tt.kind)
			}
			if got, err := durationOf(tt.kind, tt.data); err != nil || got != tt.want {
				t.Errorf("duration = %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestWhatIsNoRecordingHasNoLength(t *testing.T) {
	for name, data := range map[string][]byte{
		"text": []byte("this is no recording at all"), "nothing": nil, "a head alone": wav(0),
		"WAV cut in its head": wav(1)[:30], "WebM without sound": webm(), "MP4 without a track": box("ftyp", []byte("isom....")),
		"Ogg cut in its first page": []byte("OggS"), "a WAV of no bytes a second": append(wav(1)[:28:28], make([]byte, 4000)...),
		"Matroska nested without end": append([]byte{0x1a, 0x45, 0xdf, 0xa3, 0x80}, bytes.Repeat([]byte{0xa0, 0xff}, 1<<20)...),
		"MP4 nested without end":      append(box("ftyp", []byte("isom....")), bytes.Repeat([]byte("\x00\x00\x00\x00moof"), 1<<18)...),
	} {
		if got, err := durationOf(typeOf(data), data); err == nil {
			t.Errorf("%s lasts %v", name, got)
		}
	}
}

// FuzzDuration looks for a container over which the reader falls.
func FuzzDuration(f *testing.F) {
	for _, seed := range [][]byte{wav(0.1), ogg("OpusHead", 48000), webm(cluster(0, "\xa3", 0), cluster(9, "\xa1", 1)), mp4(0, fragment(box("trun", uint32(0x301), uint32(1), uint32(9), uint32(24000), uint32(5))))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kind := typeOf(data)
		if kind == "" {
			return
		}
		if got, err := durationOf(kind, data); err == nil && (got <= 0 || strings.HasPrefix(got.String(), "-")) {
			t.Errorf("%s of %d bytes lasts %v", kind, len(data), got)
		}
	})
}
