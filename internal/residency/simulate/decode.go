package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"kakoi/internal/residency/iam"
)

// MaxBytes bounds an input.
const MaxBytes = 2 << 20

// Problem is a place where an input is none.
type Problem struct {
	Code   string            `json:"code"`
	Field  string            `json:"field,omitempty"` // chain[0].sts.region
	Params map[string]string `json:"params,omitempty"`
	// Policy is what is wrong inside the policy document at Field.
	Policy *iam.Problem `json:"policy,omitempty"`
}

// InputError is everything that keeps a document from being a question.
type InputError struct{ Problems []Problem }

func (e *InputError) Error() string { return e.Text(iam.English) }

// Decode reads an input strictly. What the fields say is checked by Run.
func Decode(data []byte) (*Input, error) {
	in := &Input{}
	if err := DecodeStrictly(data, in); err != nil {
		return nil, err
	}
	return in, nil
}

// DecodeStrictly reads JSON into v: no field that is unknown, no key twice. The
// error is an *InputError.
func DecodeStrictly(data []byte, v any) error {
	if err := iam.CheckJSON(data, MaxBytes); err != nil {
		var parse *iam.ParseError
		if errors.As(err, &parse) {
			return &InputError{[]Problem{{Code: "json", Policy: &parse.Problems[0]}}}
		}
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return &InputError{[]Problem{decodeProblem(err)}}
	}
	return nil
}

// UnknownModel is the error for a model at field of which nobody knows where it
// leads from region.
func UnknownModel(field, model, region string) *InputError {
	return &InputError{[]Problem{{Code: "model_unknown", Field: field, Params: map[string]string{"model": model, "region": region}}}}
}

func decodeProblem(err error) Problem {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return Problem{Code: "field_type", Field: wrong.Field, Params: map[string]string{"got": wrong.Value}}
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
		if unquoted, err := strconv.Unquote(name); err == nil {
			name = unquoted
		}
		return Problem{Code: "field_unknown", Field: name}
	}
	return Problem{Code: "field_type", Params: map[string]string{"got": err.Error()}}
}
