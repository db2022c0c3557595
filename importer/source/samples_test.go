package source

import (
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// sample is a text of one grammar with the rows that are in it.
type sample struct {
	name    string
	grammar string // of the table in member.go
	config  Config
	text    string
	rows    []string // what Raw must be
	// bad holds the numbers of rows that have a Reason.
	bad map[int]string
	// keys are those of the rows of an object, nil where there are none.
	keys []string
	// cutOK says that a cut text is an error of its own.
	cutOK bool
}

// samples is the shared source suite: every grammar in the table needs one.
// LF stands for the line end, which the suite also makes CR LF.
var samples = []sample{
	{
		name: "csv", grammar: "csv",
		text: "id,mail,note\n1,a@x.example,\n2,\"b@x.example\",\"two\nlines, \"\"quoted\"\"\"\n\n  \n3,ç@x.example,é\n" +
			"4,\"php \\\"quoted\\\"\",x\n5, \"blank before\",x\n6,\"forgotten,x\n7,ok,x\nid,mail,note\n8,ra\"re,x\n9,short\n10,last,no line end",
		rows: []string{"1,a@x.example,", "2,\"b@x.example\",\"two\nlines, \"\"quoted\"\"\"", "3,ç@x.example,é", "4,\"php \\\"quoted\\\"\",x",
			"5, \"blank before\",x", "6,\"forgotten,x", "7,ok,x", "id,mail,note", "8,ra\"re,x", "9,short", "10,last,no line end"},
		bad: map[int]string{6: "the quote opened on line 10 is not closed", 8: "repeats the header", 9: "line 13 has a quote inside a cell"},
	},
	{
		name: "csv preamble", grammar: "csv", config: Config{SkipLines: 2},
		text: "Report\nof May\nsep=;\n\nid;mail\n1;\"a;b\"\n2;c\n",
		rows: []string{"1;\"a;b\"", "2;c"},
	},
	{
		name: "csv without header", grammar: "csv", config: Config{Columns: []string{"a", "b"}},
		text: "1\tx\n2\ty\n", rows: []string{"1\tx", "2\ty"},
	},
	{
		name: "jsonl", grammar: "json-lines",
		text: "{\"id\":1}\n\n{\"id\":2,\"ñ\":[1,{\"}\":\"\\\"\"}]}\n \t\n{broken\n\"text\"\n12\n{\"id\":3}",
		rows: []string{`{"id":1}`, `{"id":2,"ñ":[1,{"}":"\""}]}`, "{broken", `"text"`, "12", `{"id":3}`},
	},
	{
		name: "array of lines", grammar: "json-array", cutOK: true,
		text: "[\n{\"id\":1},\n{\"id\":2,\"ñ\":\"]}\\\\\"},\n{\"id\":3,\"x\":{\n{\"id\":4}\n,12,\"a,b\", null,[1,[2]]\n]\n",
		rows: []string{`{"id":1}`, `{"id":2,"ñ":"]}\\"}`, `{"id":3,"x":{`, `{"id":4}`, "12", `"a,b"`, "null", "[1,[2]]"},
		bad:  map[int]string{3: "a bracket on line 7 does not match"},
	},
	{
		name: "array in one line", grammar: "json-array", cutOK: true,
		text: `[{"id":1},{"id":2},{"id":"3"}][{"id":4}]`,
		rows: []string{`{"id":1}`, `{"id":2}`, `{"id":"3"}`, `{"id":4}`},
	},
	{
		name: "pretty array", grammar: "json-array", cutOK: true,
		text: "[\n  {\n    \"id\": 1\n  },\n  {\n    \"id\": 2,\n    \"in\": [\n      {\n        \"x\": \"open\n      }\n    ]\n  },\n  {\n    \"id\": 3\n  }\n]",
		rows: []string{"{\n    \"id\": 1\n  }", "{\n    \"id\": 2,\n    \"in\": [\n      {\n        \"x\": \"open\n      }\n    ]\n  }", "{\n    \"id\": 3\n  }"},
		bad:  map[int]string{2: "a string on line 9 has no closing quote"},
	},
	{
		name: "document", grammar: "json-document",
		text: "{\n  \"id\": 1\n}\n{\n  \"id\": 2,\n  \"ñ\": {}\n}\n{\"id\": 3}\n",
		rows: []string{"{\n  \"id\": 1\n}", "{\n  \"id\": 2,\n  \"ñ\": {}\n}", `{"id": 3}`},
	},
	{
		name: "pages", grammar: "json-document", config: Config{Rows: "content"}, cutOK: true,
		text: "{\n \"page\": {\"content\": [9]}, \"con\\u0074ent\": [\n  {\"id\":1},\n  {\"id\":2,\"content\":[]}\n ], \"n\": [1,\"]\"], \"x\": 1.5\n}\n" +
			"{\"content\": {\"id\": 3}, \"last\": true}\n{\"id\":4,\"contents\":[{}]}\n{\"content\":null}{\"content\":[]}\n{\"content\":[{\"id\":5},{\"id\":6}]}",
		rows: []string{`{"id":1}`, `{"id":2,"content":[]}`, `{"id": 3}`, `{"id":4,"contents":[{}]}`, `{"id":5}`, `{"id":6}`},
	},
	{
		name: "deep pages", grammar: "json-document", config: Config{Rows: "data.items"}, cutOK: true,
		text: "{ \"items\": [0],\n\"data\": {\"x\": [], \"items\": [ {\"id\":1}\n,{\"id\":2} ], \"y\": {}}, \"z\": 0 }\n{\"data\": 7, \"id\": 3}",
		rows: []string{`{"id":1}`, `{"id":2}`, `{"data": 7, "id": 3}`},
	},
	{
		name: "lines of pages", grammar: "json-lines", config: Config{Rows: "content"}, cutOK: true,
		text: "{\"content\":[{\"id\":1},{\"id\":2}],\"n\":1}\n\n{\"id\":3,\"x\":\"content\"}\n{broken\n{\"content\":[{\"id\":4},{\"id\":\n{\"id\":5}\n{\"content\":[{\"id\":6}\n12\n{\"id\":7}",
		rows: []string{`{"id":1}`, `{"id":2}`, `{"id":3,"x":"content"}`, "{broken", `{"id":4}`, `{"id":`, `{"id":5}`, `{"id":6}`, "", "12", `{"id":7}`},
		bad:  map[int]string{6: "not closed", 9: "the line ends inside the array of rows"},
	},
	{
		name: "array of pages", grammar: "json-array", config: Config{Rows: "content"}, cutOK: true,
		text: "[\n {\"content\":[{\"id\":1}]},\n {\"content\":[{\"id\":2},{\"id\":3}]}, {\"id\":4}\n]",
		rows: []string{`{"id":1}`, `{"id":2}`, `{"id":3}`, `{"id":4}`},
	},
	{
		name: "object of rows", grammar: "json-document", config: Config{Rows: "data.contacts.*"}, cutOK: true,
		text: "{ \"n\": 1, \"data\": {\"total\": 3, \"contacts\": {\n \"47\" : {\"id\":1,\"x\":\"}\"},\n \"ñ\\u0041 \":\n{\"id\":2}, \"\": [3] }, \"z\": [{}]}, \"contacts\": {\"9\":{}} }\n" +
			"{\"data\":{\"contacts\":{}}}{\"data\":{\"contacts\":[{\"id\":4}]}}{\"data\":{\"contacts\":null}}\n{\"id\":5,\"data\":7}",
		rows: []string{`{"id":1,"x":"}"}`, `{"id":2}`, "[3]", `{"id":4}`, `{"id":5,"data":7}`},
		keys: []string{"47", "ñA ", "", "-", "-"},
	},
	{
		name: "objects of rows at the top", grammar: "json-document", config: Config{Rows: "*"}, cutOK: true,
		text: "{\n\"a\": {\"id\":1}\n,\n\"b\":\"x\",\"c\": 12 , \"d\":null\n}\n{\"a\":{\"id\":2}}\n",
		rows: []string{`{"id":1}`, `"x"`, "12", "null", `{"id":2}`},
		keys: []string{"a", "b", "c", "d", "a"},
	},
	{
		name: "lines of objects of rows", grammar: "json-lines", config: Config{Rows: "c.*"}, cutOK: true,
		text: "{\"c\":{\"1\":{\"id\":1},\"2\":{\"id\":2}},\"n\":1}\n{\"c\":{\"3\":{\"id\":3}\n{\"id\":4}\n{\"c\":{\"5\":{\"id\":5}}}",
		rows: []string{`{"id":1}`, `{"id":2}`, `{"id":3}`, "", `{"id":4}`, `{"id":5}`},
		keys: []string{"1", "2", "3", "-", "-", "5"},
		bad:  map[int]string{4: "the line ends inside the object of rows"},
	},
	{
		name: "arrays a line", grammar: "json-lines", config: Config{Columns: []string{"id", "choice"}}, cutOK: true,
		text: "[\"u1\",\"yes\"]\n\n[\"u2\",{\"a\":[1]}]\n{\"id\":3}\n",
		rows: []string{`["u1","yes"]`, `["u2",{"a":[1]}]`, `{"id":3}`},
	},
	{
		name: "array of arrays", grammar: "json-array", config: Config{Columns: []string{"id", "choice"}}, cutOK: true,
		text: "[[\"u1\",\"yes\"],\n[\"u2\",{\"a\":[1]}]\n]",
		rows: []string{`["u1","yes"]`, `["u2",{"a":[1]}]`},
	},
	{
		name: "plain strings", grammar: "json-document", config: Config{Rows: "mails", Columns: []string{"mail"}}, cutOK: true,
		text: "{\"mails\":[\"ann@mail.example\", \"bob]@mail.example\"\n],\"n\":2}",
		rows: []string{`"ann@mail.example"`, `"bob]@mail.example"`},
	},
}

// encodings are the ways in which the suite writes a text.
var encodings = []struct {
	name   string
	label  string // set as the encoding
	encode func(string) ([]byte, error)
}{
	{"utf-8", "", func(s string) ([]byte, error) { return []byte(s), nil }},
	{"utf-8 with BOM", "utf-16", func(s string) ([]byte, error) { return []byte("\ufeff" + s), nil }},
	{"utf-16le with BOM", "", func(s string) ([]byte, error) {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(s))
	}},
	{"utf-16be without BOM", "", func(s string) ([]byte, error) {
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().Bytes([]byte(s))
	}},
	{"windows-1252", "windows-1252", func(s string) ([]byte, error) { return charmap.Windows1252.NewEncoder().Bytes([]byte(s)) }},
}
