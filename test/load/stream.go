package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// probe takes the times out of one answer as it arrives.
type probe struct {
	from, to time.Time // what is counted
	asked    time.Time
	first    time.Duration
	arrived  int
	delays   []time.Duration
	rest     []byte // the beginning of a stamp whose end has not come
}

func (p *probe) counts(at time.Time) bool { return !at.Before(p.from) && at.Before(p.to) }

// add reads stamps, each with a space behind it, out of a piece of the answer.
func (p *probe) add(text []byte) {
	at := time.Now()
	if p.first == 0 {
		p.first = at.Sub(p.asked)
	}
	p.rest = append(p.rest, text...)
	for {
		stamp, rest, ok := bytes.Cut(p.rest, []byte{' '})
		if !ok {
			return
		}
		p.rest = rest
		us, err := strconv.ParseInt(string(stamp), 10, 64)
		if err != nil {
			continue
		}
		p.arrived++
		if p.counts(at) {
			p.delays = append(p.delays, at.Sub(time.UnixMicro(us)))
		}
	}
}

// read takes an event stream to its [DONE]. field is what stands before a piece
// of text in an event. Stamps need no unescaping, and decoding thirty thousand
// events a second would take from the machine what is being measured on it.
func (p *probe) read(r io.Reader, field string) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4096), 1<<20)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		if string(data) == "[DONE]" {
			return nil
		}
		if _, text, ok := bytes.Cut(data, []byte(field)); ok {
			text, _, _ = bytes.Cut(text, []byte{'"'})
			p.add(text)
		}
	}
	return errors.Join(errors.New("the stream ended without its end mark"), lines.Err())
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2000}}

// askDirectly takes an answer from the fake.
func askDirectly(ctx context.Context, model fakeModels, question string, p *probe) error {
	body, err := json.Marshal(map[string]any{
		"model": "fake-large", "stream": true, "messages": []any{map[string]string{"role": "user", "content": question}},
	})
	if err != nil {
		return err
	}
	resp, err := send(ctx, client, http.MethodPost, model.OpenAI+"/chat/completions", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return p.read(resp.Body, `"content":"`)
}

// ask asks in a conversation of its own and reads the answer as a browser does.
func (s *kakoiServer) ask(ctx context.Context, question string, p *probe) error {
	var started struct {
		Answers []struct {
			RunID string `json:"runId"`
		} `json:"answers"`
	}
	err := s.post(ctx, "/conversations", map[string]any{
		"modelId": s.model, "turn": map[string]any{"text": question, "attachmentIds": []string{}},
	}, &started)
	if err != nil {
		return err
	}
	resp, err := send(ctx, s.client, http.MethodGet, s.base+"/api/v1/runs/"+url.PathEscape(started.Answers[0].RunID)+"/events", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("following the answer: " + resp.Status)
	}
	return p.read(resp.Body, `"delta":"`)
}

// send asks as a program of the same origin does.
func send(ctx context.Context, c *http.Client, method, address string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	}
	return c.Do(req)
}
