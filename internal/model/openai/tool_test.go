package openai

import (
	"encoding/json"
	"testing"

	"kakoi/internal/model"
)

func TestCallsAreToldApartHoweverAServerWritesThem(t *testing.T) {
	for name, tt := range map[string]struct {
		chunks string
		want   string
	}{
		"by their index":                  {`[{"index":0,"id":"a","function":{"name":"f","arguments":""}},{"index":1,"id":"b","function":{"name":"g"}},{"index":0,"function":{"arguments":"{\"x\":"}},{"index":1,"function":{"arguments":"{}"}},{"index":0,"function":{"arguments":"1}"}}]`, `a f {"x":1}, b g {}`},
		"by their ids, all of one index":  {`[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}]`, `a f {}, b f {}`},
		"whole, without any index":        {`[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"g","arguments":"{}"}}]`, `a f {}, b g {}`},
		"in pieces, without any index":    {`[{"id":"a","function":{"name":"f","arguments":"{"}},{"function":{"arguments":"}"}}]`, `a f {}`},
		"an object in place of a string":  {`[{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}}]`, `a f {"x":1}`},
		"no ids at all":                   {`[{"index":0,"function":{"name":"f","arguments":"{}"}},{"index":1,"function":{"name":"g","arguments":"{}"}}]`, `call_1 f {}, call_2 g {}`},
		"an id that we would give":        {`[{"index":0,"id":"call_2","function":{"name":"f","arguments":"{}"}},{"index":1,"function":{"name":"g","arguments":"{}"}}]`, `call_2 f {}, call_3 g {}`},
		"the id and the name repeated":    {`[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}},{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}]`, `a f {}`},
		"null where there is no argument": {`[{"index":0,"id":"a","function":{"name":"f","arguments":null}}]`, `a f {}`},
	} {
		t.Run(name, func(t *testing.T) {
			var pieces []wireToolCall
			if err := json.Unmarshal([]byte(tt.chunks), &pieces); err != nil {
				t.Fatal(err)
			}
			var c calls
			for _, p := range pieces {
				c.add(p)
			}
			uses, whole := c.uses()
			got := ""
			for i, u := range uses {
				if i > 0 {
					got += ", "
				}
				got += u.ID + " " + u.Name + " " + string(u.Input)
			}
			if got != tt.want || !whole {
				t.Errorf("calls %s, whole %t; want %s", got, whole, tt.want)
			}
		})
	}
}

func TestAModelCannotFillTheMemoryWithCalls(t *testing.T) {
	var c calls
	for i := range maxCalls + 5 {
		c.add(wireToolCall{Index: &i, Function: wireFunction{Name: "f", Arguments: "{}"}})
	}
	if uses, whole := c.uses(); len(uses) != maxCalls || whole {
		t.Errorf("%d calls, whole %t", len(uses), whole)
	}
	c = calls{}
	long := wireArguments(make([]byte, maxArguments/2+1))
	for range 3 {
		c.add(wireToolCall{ID: "a", Function: wireFunction{Name: "f", Arguments: long}})
	}
	if _, whole := c.uses(); whole || c.list[0].input.Len() > maxArguments {
		t.Errorf("whole %t, %d bytes", whole, c.list[0].input.Len())
	}
}

func FuzzCalls(f *testing.F) {
	f.Add([]byte(`[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":-1}]`))
	f.Fuzz(func(t *testing.T, chunks []byte) {
		var pieces []wireToolCall
		if json.Unmarshal(chunks, &pieces) != nil {
			return
		}
		var c calls
		for _, p := range pieces {
			c.add(p)
		}
		uses, _ := c.uses()
		seen := map[string]bool{}
		for _, u := range uses {
			if _, ok := model.ToolInput(u.Input); !ok || u.Name == "" || u.ID == "" {
				t.Errorf("use %+v", u)
			}
			seen[u.ID] = true
		}
		if len(seen) != len(uses) {
			t.Errorf("%d ids of %d uses", len(seen), len(uses))
		}
	})
}
