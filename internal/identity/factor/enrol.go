package factor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rsc.io/qr"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

const purposeTOTP = "enrol_totp"

// Enrolment is an authenticator app that is being set up.
type Enrolment struct {
	Token  string // to be brought back with the first code
	Secret string // as text, for those who cannot scan
	URI    string // what the picture says
	QR     QR
}

// QR is a picture made of squares.
type QR struct {
	Size int    // squares on a side, with the quiet zone
	Path string // the dark ones, as an SVG path in units of a square
}

// BeginTOTP draws a new secret for the person who asks. Nothing is kept until
// ConfirmTOTP.
func (s *Service) BeginTOTP(ctx context.Context) (Enrolment, error) {
	p, err := authorize(ctx, access.AccountEnrolSecondFactor)
	if err != nil {
		return Enrolment{}, err
	}
	if err := s.mayEnrol(ctx, p); err != nil {
		return Enrolment{}, err
	}
	owner, err := selectOwner(ctx, s.db, p.AccountID)
	if err != nil {
		return Enrolment{}, err
	}
	key := make([]byte, totpBytes)
	if _, err := io.ReadFull(s.random, key); err != nil {
		return Enrolment{}, fmt.Errorf("read randomness: %w", err)
	}
	token, err := s.begin(purposeTOTP, p.AccountID, key)
	if err != nil {
		return Enrolment{}, err
	}
	uri := keyURI(key, owner.Email, s.site)
	picture, err := draw(uri)
	return Enrolment{Token: token, Secret: spell(key), URI: uri, QR: picture}, err
}

// quiet is the light margin that readers need around a code.
const quiet = 4

func draw(text string) (QR, error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return QR{}, fmt.Errorf("draw a QR code: %w", err)
	}
	var path strings.Builder
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			run := 0
			for x+run < c.Size && c.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return QR{Size: c.Size + 2*quiet, Path: path.String()}, nil
}

// ConfirmTOTP keeps the secret that was begun, in place of any earlier one, once
// its first code shows that the app has it. It returns recovery codes if the
// account has none yet. then takes part in its transaction. Its error has code
// SecondFactorFailed.
func (s *Service) ConfirmTOTP(ctx context.Context, token, typed string, then func(ctx context.Context) error) ([]string, error) {
	p, err := authorize(ctx, access.AccountEnrolSecondFactor)
	if err != nil {
		return nil, err
	}
	if err := s.mayEnrol(ctx, p); err != nil {
		return nil, err
	}
	set, err := s.drawCodes(ctx)
	if err != nil {
		return nil, err
	}
	var codes []string
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		key, ok, err := s.finish(ctx, tx, purposeTOTP, p.AccountID, token)
		if err != nil {
			return err
		}
		if !ok {
			return failed("enrolment", "this set-up has expired or was finished already; begin again")
		}
		step, ok := match(key, digits(typed), s.now())
		if !ok {
			return failed("", "this is not the code that the app shows")
		}
		sealed, err := s.secrets.Seal(key, secretPlace(p.AccountID))
		if err != nil {
			return err
		}
		replaced, err := upsertTOTP(ctx, tx, p.AccountID, sealed, step, s.now())
		if err != nil {
			return err
		}
		if err := s.record(ctx, auditEnrolTOTP, p.AccountID, map[string]string{"replaced": strconv.FormatBool(replaced)}); err != nil {
			return err
		}
		if codes, err = s.firstCodes(ctx, tx, p.AccountID, set); err != nil {
			return err
		}
		return then(ctx)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// RemoveTOTP takes the app of the person who asks away.
func (s *Service) RemoveTOTP(ctx context.Context) error {
	p, err := authorize(ctx, access.AccountWriteSecondFactor)
	if err != nil {
		return err
	}
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		left, err := selectMethods(ctx, tx, p.AccountID)
		if err != nil {
			return err
		}
		if left.TOTP == nil {
			return errs.New(errs.NotFound, "there is no authenticator app")
		}
		left.TOTP = nil
		if err := s.mayRemove(ctx, p, left); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM totp_secrets WHERE account_id = $1`, p.AccountID); err != nil {
			return fmt.Errorf("remove the app of account %s: %w", p.AccountID, err)
		}
		if err := s.forgetCodesOf(ctx, tx, p.AccountID, left); err != nil {
			return err
		}
		return s.record(ctx, auditRemoveTOTP, p.AccountID, nil)
	})
}

// CheckTOTP returns nil if typed is the code that the app of an account shows
// now and no code of that half minute or a later one was accepted before: of
// any number of requests with one code, on whichever nodes, one succeeds. The
// error has code SecondFactorFailed.
func (s *Service) CheckTOTP(ctx context.Context, accountID, typed string) error {
	wrong := failed("", "this is not the code that the app shows")
	sealed, err := selectTOTP(ctx, s.db, accountID)
	if errors.Is(err, errNone) {
		return wrong
	} else if err != nil {
		return err
	}
	key, err := s.secrets.Open(sealed, secretPlace(accountID))
	if err != nil {
		return err
	}
	step, ok := match(key, digits(typed), s.now())
	if !ok {
		return wrong
	}
	won, err := advanceTOTP(ctx, s.db, accountID, sealed, step, s.now())
	if err != nil {
		return err
	}
	if !won {
		return failed("used", "this code has been used already; wait for the next one")
	}
	return nil
}
