package identity

import (
	"strings"
	"testing"

	"kakoi/internal/errs"
)

func TestOneMailboxHasOneForm(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"upper case and space", " Yamada.Taro@Example.JP \n", "yamada.taro@example.jp"},
		{"typed with the IME on", "ｙａｍａｄａ＠ｅｘａｍｐｌｅ．ｊｐ", "yamada@example.jp"},
		{"a Japanese domain", "info@例え.テスト", "info@例え.テスト"},
		{"the same in ASCII", "info@xn--r8jz45g.xn--zckzah", "info@例え.テスト"},
		{"a domain of one label", "root@yakusho", "root@yakusho"},
		{"dots as Japanese carriers have them", "a..b.@docomo.ne.jp", "a..b.@docomo.ne.jp"},
		{"a tag", "yamada+kakoi@example.jp", "yamada+kakoi@example.jp"},
		{"a Japanese mailbox", "山田@example.jp", "山田@example.jp"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normalEmail(tt.in)
			if err != nil || got != tt.want {
				t.Errorf("normalEmail(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
			}
			if again, err := normalEmail(got); err != nil || again != got {
				t.Errorf("normalEmail(%q) = %q, %v, want it unchanged", got, again, err)
			}
		})
	}
}

func TestWhatIsNoAddress(t *testing.T) {
	for _, in := range []string{
		"", "yamada", "@example.jp", "yamada@", "a@b@c", "a b@example.jp", "a@exa mple.jp", "a\r\nBcc: x@example.jp", "a\x00@example.jp",
		`"a"@example.jp`, "<a@example.jp>", "a,b@example.jp", "a@example..jp", "a@.example.jp", "a@example.jp.", "a@-example.jp", "a@[127.0.0.1]",
		"a\u200b@example.jp", "a\u202e@example.jp", "\xff@example.jp", "a@\xff.jp",
		strings.Repeat("a", 65) + "@example.jp", "a@" + strings.Repeat("a", 64) + ".jp", "a@" + strings.Repeat("a.", 130) + "jp", strings.Repeat("a", 1<<20),
	} {
		if got, err := normalEmail(in); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("normalEmail(%.40q) = %q, %v, want invalid_input", in, got, err)
		}
	}
}

func FuzzNormalEmail(f *testing.F) {
	f.Add("ｙａｍａｄａ＠ｅｘａｍｐｌｅ．ｊｐ")
	f.Add("info@xn--r8jz45g.xn--zckzah")
	f.Fuzz(func(t *testing.T, in string) {
		once, err := normalEmail(in)
		if err != nil {
			return
		}
		if twice, err := normalEmail(once); err != nil || twice != once {
			t.Errorf("normalEmail(%q) = %q, and of that %q, %v", in, once, twice, err)
		}
	})
}
