package house_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/locale"
)

// rule is one thing that holds everywhere, and what breaks it.
type rule struct {
	says  string
	check func(*tree) []string
	// broken are sources that break it, each by itself; each gives one complaint, that holds the words.
	broken []broken
	// kept are sources near to it that do not.
	kept map[string]string
}

type broken struct{ path, text, words string }

func TestTheHouseKeepsItsRules(t *testing.T) {
	h := readTree(t)
	for _, r := range rules {
		t.Run(r.says, func(t *testing.T) {
			complaints := r.check(h)
			slices.Sort(complaints)
			for _, complaint := range complaints {
				t.Error(complaint)
			}
		})
	}
}

func TestEachRuleOfTheHouseIsBrokenByWhatBreaksIt(t *testing.T) {
	for _, r := range rules {
		t.Run(r.says, func(t *testing.T) {
			for _, b := range r.broken {
				complaints := r.check(parseTree(t, map[string]string{b.path: b.text}))
				if len(complaints) != 1 || !strings.Contains(complaints[0], b.words) || !strings.Contains(complaints[0], path.Dir(b.path)) {
					t.Errorf("%s\n%s\ngave %q, want one complaint that says where and %q", b.path, b.text, complaints, b.words)
				}
			}
			for name, text := range r.kept {
				if complaints := r.check(parseTree(t, map[string]string{name: text})); len(complaints) != 0 {
					t.Errorf("%s\n%s\nkeeps the rule, and gave %q", name, text, complaints)
				}
			}
			if len(r.broken) == 0 {
				t.Error("nothing is known to break it")
			}
		})
	}
}

var rules = []rule{
	{
		says:  "arrows point down, and neighbours do not import each other",
		check: arrows,
		broken: []broken{
			{"shared/dental/a.go", `package dental; import _ "` + module + `shared/table"`, "nouns"},
			{"shared/dental/a.go", `package dental; import _ "` + module + `shared/locale"`, "nouns"},
			{"shared/scenario/a.go", `package scenario; import _ "` + module + `shared/store"`, "pure rules"},
			{"shared/table/a.go", `package table; import _ "` + module + `shared/dental"`, "port"},
			{"shared/store/a.go", `package store; import _ "` + module + `shared/scenario"`, "store"},
			{"shared/store/a.go", `package store; import _ "` + module + `shared/table/dynamo"`, "adapter"},
			{"shared/journey/a.go", `package journey; import _ "` + module + `shared/intake"`, "use case"},
			{"shared/intake/a.go", `package intake; import _ "` + module + `shared/outreach"`, "use case"},
			{"shared/outreach/a.go", `package outreach; import _ "` + module + `shared/queue/sqs"`, "adapter"},
			{"shared/channel/sms/a.go", `package sms; import _ "` + module + `shared/channel/email"`, "adapter"},
			{"shared/mis/generic/a.go", `package generic; import _ "` + module + `shared/phone"`, "adapter"},
			{"shared/table/dynamo/a.go", `package dynamo; import _ "` + module + `shared/table/embedded"`, "adapter"},
			{"shared/queue/sqs/a.go", `package sqs; import _ "` + module + `shared/channel/wire"`, "adapter"},
			{"shared/channel/wire/a.go", `package wire; import _ "` + module + `shared/channel/sms"`, "adapter"},
			{"shared/api/a.go", `package api; import _ "` + module + `shared/web"`, "edge"},
			{"shared/web/a.go", `package web; import _ "` + module + `shared/api"`, "edge"},
			{"shared/web/a.go", `package web; import _ "` + module + `shared/table/dynamo"`, "adapter"},
			{"shared/web/staff/a.go", `package staff; import _ "` + module + `shared/signin"`, "edge"},
			{"shared/signin/a.go", `package signin; import _ "` + module + `shared/web/staff"`, "edge"},
			{"shared/lambdaio/a.go", `package lambdaio; import _ "` + module + `shared/app"`, "app"},
			{"shared/app/a.go", `package app; import _ "` + module + `shared/mis/generic"`, "adapter"},
			{"shared/app/a.go", `package app; import _ "` + module + `shared/onaws"`, "root's aid"},
			{"shared/onaws/a.go", `package onaws; import _ "` + module + `shared/channel/sms"`, "adapter"},
			{"shared/reply/a.go", `package reply; import _ "` + module + `shared/table/tabletest"`, "aid of tests"},
			{"shared/web/a.go", `package web; import _ "` + module + `infra/local"`, "root"},
			{"shared/gadgets/a.go", `package gadgets; import _ "` + module + `shared/dental"`, "has no place"},
			{"shared/gadgets/a.go", `package gadgets`, "has no place"},
		},
		kept: map[string]string{
			"shared/channel/sms/a.go":     `package sms; import _ "` + module + `shared/channel/wire"`,
			"shared/crm/bitrix24/a.go":    `package bitrix24; import _ "` + module + `shared/channel/wire"`,
			"shared/channel/email/a.go":   `package email; import _ "` + module + `shared/channel/email/sesevent"`,
			"shared/reply/a_test.go":      `package reply_test; import _ "` + module + `shared/table/tabletest"`,
			"functions/send/main.go":      `package main; import _ "` + module + `shared/channel/sms"`,
			"shared/message/a.go":         `package message; import _ "` + module + `shared/locale"`,
			"shared/table/tabletest/a.go": `package tabletest; import _ "` + module + `shared/table/dynamo"`,
			"infra/demo/a.go":             `package main; import _ "` + module + `shared/signature"`,
		},
	},
	{
		says:  "each module from outside has one door",
		check: doors,
		broken: []broken{
			{"shared/store/a.go", `package store; import _ "github.com/aws/aws-sdk-go-v2/service/dynamodb"`, "service/dynamodb"},
			{"shared/store/a.go", `package store; import _ "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"`, "service/dynamodb"},
			{"functions/webhook/main.go", `package main; import _ "github.com/aws/aws-sdk-go-v2/service/dynamodb"`, "service/dynamodb"},
			{"functions/webhook/main.go", `package main; import _ "github.com/aws/aws-sdk-go-v2/config"`, "config"},
			{"shared/onaws/a.go", `package onaws; import _ "github.com/aws/aws-sdk-go-v2/config"`, "config"},
			{"shared/channel/email/a.go", `package email; import _ "github.com/aws/aws-sdk-go-v2/service/sns"`, "service/sns"},
			{"shared/channel/sms/a.go", `package sms; import _ "github.com/aws/aws-sdk-go-v2/service/sesv2"`, "service/sesv2"},
			{"shared/queue/memory/a.go", `package memory; import _ "github.com/aws/aws-sdk-go-v2/service/sqs"`, "service/sqs"},
			{"shared/mis/generic/a.go", `package generic; import _ "github.com/aws/aws-sdk-go-v2/service/s3"`, "service/s3"},
			{"shared/queue/sqs/a.go", `package sqs; import _ "github.com/aws/aws-sdk-go-v2/service/kinesis"`, "service/kinesis"},
			{"shared/reply/a.go", `package reply; import _ "github.com/aws/aws-sdk-go-v2/aws"`, "aws-sdk-go-v2/aws"},
			{"shared/app/a.go", `package app; import _ "github.com/aws/aws-lambda-go/events"`, "aws-lambda-go"},
			{"infra/local/a.go", `package main; import _ "github.com/aws/aws-lambda-go/events"`, "aws-lambda-go"},
			{"shared/mis/generic/a.go", `package generic; import _ "github.com/nyaruka/phonenumbers"`, "phonenumbers"},
			{"shared/channel/email/a.go", `package email; import _ "github.com/wneessen/go-mail"`, "go-mail"},
			{"shared/app/a.go", `package app; import _ "github.com/coreos/go-oidc/v3/oidc"`, "go-oidc"},
			{"infra/local/oidc/a.go", `package oidc; import _ "golang.org/x/oauth2"`, "oauth2"},
			{"shared/web/staff/a.go", `package staff; import _ "github.com/go-jose/go-jose/v4"`, "go-jose"},
			{"shared/scenario/a.go", `package scenario; import _ "go.yaml.in/yaml/v3"`, "yaml"},
			{"functions/work/main.go", `package main; import _ "go.yaml.in/yaml/v3"`, "yaml"},
			{"shared/dental/a.go", `package dental; import _ "golang.org/x/text/language"`, "golang.org/x/text"},
			{"shared/app/a.go", `package app; import _ "pgregory.net/rapid"`, "rapid"},
		},
		kept: map[string]string{
			"shared/dental/a.go":             `package dental; import _ "net/mail"`,
			"shared/app/a_test.go":           `package app_test; import _ "pgregory.net/rapid"`,
			"shared/scenario/catalogue/a.go": `package catalogue; import _ "go.yaml.in/yaml/v3"`,
			"infra/local/template/a.go":      `package template; import _ "go.yaml.in/yaml/v3"`,
			"shared/channel/smtp/a.go":       `package smtp; import _ "github.com/wneessen/go-mail/smtp"`,
			"shared/signin/a.go":             `package signin; import _ "golang.org/x/oauth2"`,
			"infra/local/oidc/a.go":          `package oidc; import _ "github.com/go-jose/go-jose/v4"`,
			"shared/blob/s3/a.go":            `package s3; import _ "github.com/aws/aws-sdk-go-v2/service/s3"`,
		},
	},
	{
		says:  "the clock is read in functions, in lambdaio and in infra alone",
		check: clocks,
		broken: []broken{
			{"shared/reply/a.go", `package reply; import "time"; var _ = time.Now()`, "time.Now"},
			{"shared/onaws/a.go", `package onaws; import "time"; var Clock = time.Now`, "time.Now"},
			{"shared/work/a.go", `package work; import "time"; func f(t time.Time) any { return time.Since(t) }`, "time.Since"},
			{"shared/work/a.go", `package work; import . "time"; func f(t Time) any { return Until(t) }`, "time.Until"},
			{"shared/work/a.go", `package work; import clock "time"; var _ = clock.Now()`, "time.Now"},
		},
		kept: map[string]string{
			"shared/work/a_test.go":  `package work; import "time"; var _ = time.Now()`,
			"shared/work/a.go":       `package work; import "time"; type desk struct{ Now int }; func f(d desk) any { _ = time.Second; return d.Now }`,
			"functions/work/main.go": `package main; import "time"; var _ = time.Now()`,
			"shared/lambdaio/a.go":   `package lambdaio; import "time"; var _ = time.Now()`,
		},
	},
	{
		says:  "no package is named after nothing",
		check: names,
		broken: []broken{
			{"shared/utils/a.go", `package utils`, "utils"},
			{"shared/reply/helpers/a.go", `package helpers`, "helpers"},
			{"shared/web/a.go", `package common`, "common"},
			{"shared/core/a.go", `package engine`, "core"},
			{"infra/local/models/a_test.go", `package models_test`, "models"},
			{"functions/types/main.go", `package main`, "types"},
		},
		kept: map[string]string{"shared/corebanking/a.go": `package corebanking`},
	},
	{
		says:  "every package says what it is for",
		check: docs,
		broken: []broken{
			{"shared/reply/a.go", "package reply", "no doc comment"},
			{"functions/work/main.go", "// +build x\n\npackage main", "no doc comment"},
			{"shared/reply/a.go", "// Some words.\npackage reply", `"Package reply "`},
			{"shared/reply/a.go", "// Package repli does it.\npackage reply", `"Package reply "`},
		},
		kept: map[string]string{
			"shared/reply/a.go":      "// Package reply takes what patients say.\npackage reply",
			"functions/work/main.go": "// Work does it.\npackage main",
			"shared/reply/a_test.go": "package reply_test",
		},
	},
	{
		says:  "nothing registers itself by init",
		check: inits,
		broken: []broken{
			{"shared/reply/a.go", "package reply\nfunc init() {}", "init"},
			{"functions/work/main.go", "package main\nfunc init() {}", "init"},
		},
		kept: map[string]string{"shared/reply/a.go": "package reply\ntype t int\nfunc (t) init() {}"},
	},
	{
		says:  "keys are spelled in store/keys.go alone",
		check: keys,
		broken: []broken{
			{"shared/store/lookup.go", `package store; var pk = "MS#" + "c"`, `"MS#"`},
			{"shared/outreach/a.go", `package outreach; import "fmt"; var pk = fmt.Sprintf("P#%s#%s", 1, 2)`, `"P#%s#%s"`},
			{"infra/local/a.go", "package main; var pk = `DUE#0`", "DUE#0"},
		},
		kept: map[string]string{
			"shared/store/keys.go":     `package store; var pk = "P#c"`,
			"shared/store/a_test.go":   `package store; var pk = "P#c"`,
			"shared/table/dynamo/a.go": `package dynamo; var name = "#p"`,
			"shared/web/a.go":          `package web; var colour, issue = "#FFF", "look at #2"`,
		},
	},
	{
		says:  "a process ends in its main package alone",
		check: exits,
		broken: []broken{
			{"shared/api/a.go", `package api; import "os"; func f() { os.Exit(1) }`, "os.Exit"},
			{"shared/api/a.go", `package api; import "log"; func f() { log.Fatal("x") }`, "log.Fatal"},
			{"shared/api/a.go", `package api; import l "log"; func f() { l.Fatalf("x") }`, "log.Fatalf"},
		},
		kept: map[string]string{
			"shared/onaws/a.go":    `package onaws; import "os"; func f() { os.Exit(1) }`,
			"infra/local/main.go":  `package main; import "os"; func main() { os.Exit(1) }`,
			"shared/api/a_test.go": `package api; import "os"; func f() { os.Exit(1) }`,
			"shared/api/a.go":      `package api; type log struct{}; func (log) Fatal() {}; func f(log log) { log.Fatal() }`,
		},
	},
	{
		says:  "the nouns know nothing of how they are stored",
		check: tags,
		broken: []broken{
			{"shared/dental/a.go", "package dental\ntype T struct{ A int `json:\"a\"` }", "tag"},
			{"shared/dental/a.go", "package dental\ntype T struct{ A struct{ B int `x:\"a\"` } }", "tag"},
		},
		kept: map[string]string{"shared/store/a.go": "package store\ntype T struct{ A int `json:\"a\"` }"},
	},
	{
		says:  "an error is wrapped with words",
		check: bareWraps,
		broken: []broken{
			{"shared/api/a.go", `package api; import "fmt"; func f(err error) error { return fmt.Errorf("%w", err) }`, "%w"},
		},
		kept: map[string]string{
			"shared/api/a.go": `package api; import "fmt"; func f(err error) error { return fmt.Errorf("api: read: %w", err) }`,
		},
	},
	{
		says:  "a function calls the clinics' systems on the public network alone",
		check: insiders,
		broken: []broken{
			{"functions/pull/main.go", `package main; import ("` + module + `functions/pull/systems"; "` + module + `shared/channel/wire"); var _ = systems.Clients(wire.NewClient(wire.Options{Timeout: 1}), nil)`, "Outside"},
			{"functions/pull/main.go", `package main; import ("` + module + `functions/pull/systems"; "` + module + `shared/channel/wire"); var _, o = systems.Clients, wire.Options{Outside: false}`, "Outside"},
			{"functions/pull/systems/a.go", `package systems; import "` + module + `shared/channel/wire"; var slow = wire.NewClient(wire.Options{Timeout: 1})`, "Outside"},
		},
		kept: map[string]string{
			"functions/pull/main.go":   `package main; import ("` + module + `functions/pull/systems"; "` + module + `shared/channel/wire"); var _, o = systems.Clients, wire.Options{Timeout: 1, Outside: true}`,
			"functions/send/main.go":   `package main; import "` + module + `shared/channel/wire"; var o = wire.Options{}`,
			"infra/local/machine.go":   `package main; import ("` + module + `functions/pull/systems"; "` + module + `shared/channel/wire"); var _, o = systems.Clients, wire.Options{}`,
			"functions/pull/a_test.go": `package main; import ("` + module + `functions/pull/systems"; "` + module + `shared/channel/wire"); var _, o = systems.Clients, wire.Options{}`,
		},
	},
	{
		says:  "a reason of an import that has a place for a detail is given one",
		check: details,
		broken: []broken{
			{"shared/load/a.go", `package load; var _ = Fault{Code: "event"}`, "event"},
			{"shared/mis/fhir/a.go", `package fhir; import "` + module + `shared/load"; var _ = &load.Fault{Column: "x", Code: "fhir-not-json"}`, "fhir-not-json"},
			{"shared/mis/sheet/a.go", `package sheet; import "` + module + `shared/load"; const NoSheet = "no-sheet"; var _ = load.Fault{Code: NoSheet}`, "no-sheet"},
		},
		kept: map[string]string{
			"shared/load/a.go":       `package load; var _ = []any{Fault{Code: "event", Detail: "x"}, Fault{Code: "no-file"}}`,
			"shared/load/a_test.go":  `package load; var _ = Fault{Code: "event"}`,
			"shared/mis/sheet/a.go":  `package sheet; import "` + module + `shared/load"; const NUL = "nul"; var _ = load.Fault{Code: NUL}`,
			"shared/settings/a.go":   `package settings; type Fault struct{ Code string }; var _ = Fault{Code: "event"}`,
			"shared/mis/fhir/any.go": `package fhir; import "` + module + `shared/load"; func f(code string) any { return load.Fault{Code: code} }`,
		},
	},
}

// floor is where a room stands.
type floor string

const (
	nouns   floor = "the nouns"
	pure    floor = "the pure rules"
	port    floor = "the port"
	state   floor = "the store"
	journey floor = "the journey"
	useCase floor = "a use case"
	aid     floor = "a small aid"
	adapter floor = "an adapter"
	edge    floor = "an edge"
	apps    floor = "the app"
	rootAid floor = "the root's aid"
	roots   floor = "a root"
	testAid floor = "an aid of tests"
	tool    floor = "a tool"
)

// floors places the rooms; the first pattern that fits counts. "x/*" is x/y and all below it.
var floors = []struct {
	room  string
	floor floor
}{
	{"shared/scenario/catalogue/compile", tool},
	{"shared/dental", nouns},
	{"shared/scenario", pure}, {"shared/scenario/catalogue", pure}, {"shared/scenario/wording", pure}, {"shared/cadence", pure}, {"shared/message", pure}, {"shared/locale", pure}, {"shared/measure", pure}, {"shared/nomenclature", pure}, {"shared/audit", pure},
	{"shared/table", port},
	{"shared/store", state},
	{"shared/journey", journey},
	{"shared/intake", useCase}, {"shared/scan", useCase}, {"shared/outreach", useCase}, {"shared/reply", useCase}, {"shared/work", useCase},
	{"shared/desk", useCase}, {"shared/settings", useCase}, {"shared/report", useCase}, {"shared/load", useCase}, {"shared/pull", useCase},
	{"shared/portrait", pure}, {"shared/portrait/*", adapter},
	{"shared/status", aid}, {"shared/signature", aid}, {"shared/strictjson", aid}, {"shared/outside", aid}, {"shared/web/qr", aid}, {"shared/web/design", aid}, {"shared/chart", aid},
	{"shared/phone", adapter}, {"shared/mis/*", adapter}, {"shared/channel/*", adapter}, {"shared/crm/*", adapter}, {"shared/queue/*", adapter}, {"shared/blob/*", adapter},
	{"shared/table/*", adapter},
	{"shared/api", edge}, {"shared/web", edge}, {"shared/web/staff", edge}, {"shared/signin", edge}, {"shared/lambdaio", edge},
	{"shared/app", apps}, {"shared/app/team", apps},
	{"shared/onaws", rootAid},
	{"functions/*", roots}, {"infra/*", roots},
}

// below lists what each floor may import of the house. Its own floor is in it
// where neighbours may know each other; tools, roots and tests may import all.
var below = map[floor][]floor{
	nouns:   {},
	pure:    {nouns, pure},
	port:    {},
	state:   {nouns, port},
	journey: {nouns, pure, state},
	useCase: {nouns, pure, port, state, journey, aid},
	aid:     {nouns},
	// Adapters implement the ports that use cases declare.
	adapter: {nouns, pure, port, state, useCase, aid},
	edge:    {nouns, pure, state, useCase, aid},
	apps:    {nouns, pure, port, state, journey, useCase, aid, edge},
	rootAid: {nouns, pure, port, state, useCase, aid, edge, apps},
}

// sharedRooms are those that neighbours stand on: what several adapters of one kind have in
// common, the one engine of every function, and what all compositions share.
var sharedRooms = []struct{ from, to string }{
	{"shared/channel/*", "shared/channel/wire"}, {"shared/crm/*", "shared/channel/wire"}, {"shared/mis/*", "shared/channel/wire"},
	{"shared/mis/*", "shared/mis/told"}, {"shared/mis/*", "shared/mis/ask"},
	{"shared/crm/*", "shared/channel/portal"}, {"shared/mis/*", "shared/channel/portal"}, // one portal, told and telling
	{"shared/channel/email", "shared/channel/email/sesevent"},
	{"shared/load", "shared/intake"}, {"shared/pull", "shared/intake"}, // what they read is taken in as what a webhook says
	{"shared/onaws", "shared/table/dynamo"},
	{"shared/app/team", "shared/app"},
}

func fits(pattern, room string) bool {
	if family, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(room, family)
	}
	return room == pattern
}

func floorOf(room string) (floor, bool) {
	if strings.HasSuffix(room, "test") {
		return testAid, true
	}
	for _, f := range floors {
		if fits(f.room, room) {
			return f.floor, true
		}
	}
	return "", false
}

func arrows(h *tree) (complaints []string) {
	for _, s := range h.files {
		from, placed := floorOf(s.room)
		if !placed {
			complaints = append(complaints, fmt.Sprintf("%s: the package has no place in the house; give it one in floors", s.path))
			continue
		}
		if s.test || from == roots || from == tool {
			continue
		}
		for name, spec := range s.imported() {
			room, ours := strings.CutPrefix(name, module)
			if !ours || slices.ContainsFunc(sharedRooms, func(x struct{ from, to string }) bool { return fits(x.from, s.room) && room == x.to && s.room != room }) {
				continue
			}
			if to, _ := floorOf(room); !slices.Contains(below[from], to) {
				complaints = append(complaints, fmt.Sprintf("%s: %s imports %s: %s may not know %s", h.at(spec), s.room, room, from, to))
			}
		}
	}
	return complaints
}

// doorways lists who may import what comes from outside, outside of tests: the
// first prefix that fits counts, and without one nobody may.
var doorways = []struct {
	module string
	rooms  []string
}{
	{"github.com/aws/aws-sdk-go-v2/service/dynamodb", []string{"shared/table/dynamo"}},
	{"github.com/aws/aws-sdk-go-v2/service/sns", []string{"shared/channel/sms"}},
	{"github.com/aws/aws-sdk-go-v2/service/sesv2", []string{"shared/channel/email"}},
	{"github.com/aws/aws-sdk-go-v2/service/sqs", []string{"shared/queue/sqs"}},
	{"github.com/aws/aws-sdk-go-v2/service/s3", []string{"shared/blob/s3"}},
	{"github.com/aws/aws-sdk-go-v2/service", nil},
	{"github.com/aws/aws-sdk-go-v2/config", nil},
	{"github.com/aws/aws-sdk-go-v2", []string{"shared/table/dynamo", "shared/channel/*", "shared/queue/sqs", "shared/blob/s3", "shared/onaws"}},
	{"github.com/aws/smithy-go", []string{"shared/table/dynamo", "shared/channel/wire"}},
	{"github.com/aws/aws-lambda-go", []string{"shared/lambdaio"}},
	{"github.com/nyaruka/phonenumbers", []string{"shared/phone"}},
	{"github.com/standard-webhooks/standard-webhooks", []string{"shared/signature"}},
	{"github.com/go-json-experiment/json", []string{"shared/strictjson", "shared/mis/fhir"}},
	{"github.com/xuri/excelize", []string{"shared/mis/sheet"}},
	{"github.com/wneessen/go-mail", []string{"shared/channel/smtp"}},
	{"go.etcd.io/bbolt", []string{"shared/table/embedded"}},
	{"go.yaml.in/yaml/v3", []string{"shared/scenario/catalogue", "infra/*"}},
	{"golang.org/x/text", []string{"shared/desk", "shared/mis/sheet"}},
	{"golang.org/x/image", []string{"shared/portrait", "shared/chart"}},
	{"github.com/boombuler/barcode", []string{"shared/web/qr"}},
	{"github.com/coreos/go-oidc/v3", []string{"shared/signin"}},
	{"golang.org/x/oauth2", []string{"shared/signin"}},
	{"github.com/go-jose/go-jose/v4", []string{"shared/signin", "infra/local/oidc"}},
	{"golang.org/x/time/rate", []string{"shared/api"}},
	{"golang.org/x/sys", []string{"infra/*"}},
}

func doors(h *tree) (complaints []string) {
	for _, s := range h.files {
		if s.test {
			continue
		}
		for name, spec := range s.imported() {
			first, _, _ := strings.Cut(name, "/")
			if !strings.Contains(first, ".") || strings.HasPrefix(name, module) {
				continue
			}
			i := slices.IndexFunc(doorways, func(d struct {
				module string
				rooms  []string
			}) bool {
				return name == d.module || strings.HasPrefix(name, d.module+"/")
			})
			if i < 0 || !slices.ContainsFunc(doorways[i].rooms, func(room string) bool { return fits(room, s.room) }) {
				complaints = append(complaints, fmt.Sprintf("%s: %s imports %s, which is not its to import", h.at(spec), s.room, name))
			}
		}
	}
	return complaints
}

func clocks(h *tree) (complaints []string) {
	for _, s := range h.files {
		if on, _ := floorOf(s.room); s.test || on == roots || s.room == "shared/lambdaio" {
			continue
		}
		s.uses("time", []string{"Now", "Since", "Until"}, func(n ast.Node, name string) {
			complaints = append(complaints, fmt.Sprintf("%s: time.%s reads the clock; take the time as an argument", h.at(n), name))
		})
	}
	return complaints
}

func names(h *tree) (complaints []string) {
	empty := []string{"utils", "util", "common", "helpers", "helper", "types", "models", "core", "misc", "base"}
	seen := map[string]bool{}
	for _, s := range h.files {
		for _, name := range []string{path.Base(s.room), strings.TrimSuffix(s.Name.Name, "_test")} {
			if slices.Contains(empty, name) && !seen[s.room] {
				seen[s.room] = true
				complaints = append(complaints, fmt.Sprintf("%s: %s says nothing of what is inside", s.room, name))
			}
		}
	}
	return complaints
}

func docs(h *tree) (complaints []string) {
	said := map[string]string{}
	name := map[string]string{}
	for _, s := range h.files {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		name[s.room] = s.Name.Name
		if s.Doc != nil {
			said[s.room] += s.Doc.Text()
		}
	}
	for room, pkg := range name {
		switch begin := "Package " + pkg + " "; {
		case strings.TrimSpace(said[room]) == "":
			complaints = append(complaints, room+": the package has no doc comment")
		case pkg != "main" && !strings.HasPrefix(said[room], begin):
			complaints = append(complaints, fmt.Sprintf("%s: the doc comment does not begin with %q", room, begin))
		}
	}
	return complaints
}

func inits(h *tree) (complaints []string) {
	for _, s := range h.files {
		for _, decl := range s.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil {
				complaints = append(complaints, h.at(f)+": func init runs unasked")
			}
		}
	}
	return complaints
}

// keyText is how the keys of the table begin.
var keyText = regexp.MustCompile(`^[A-Z$]{1,8}#`)

func keys(h *tree) (complaints []string) {
	for _, s := range h.files {
		if s.test || s.path == "shared/store/keys.go" {
			continue
		}
		s.strings(func(n *ast.BasicLit, value string) {
			if keyText.MatchString(value) {
				complaints = append(complaints, fmt.Sprintf("%s: %s spells a key; name a function for it in shared/store/keys.go", h.at(n), strconv.Quote(value)))
			}
		})
	}
	return complaints
}

func exits(h *tree) (complaints []string) {
	for _, s := range h.files {
		if s.test || s.Name.Name == "main" || s.room == "shared/onaws" {
			continue
		}
		complain := func(pkg string) func(ast.Node, string) {
			return func(n ast.Node, name string) {
				complaints = append(complaints, fmt.Sprintf("%s: %s.%s ends the process; return an error", h.at(n), pkg, name))
			}
		}
		s.uses("os", []string{"Exit"}, complain("os"))
		s.uses("log", []string{"Fatal", "Fatalf", "Fatalln"}, complain("log"))
	}
	return complaints
}

func tags(h *tree) (complaints []string) {
	for _, s := range h.files {
		if s.room != "shared/dental" || s.test {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok && f.Tag != nil {
				complaints = append(complaints, h.at(f)+": a tag on a noun's field")
			}
			return true
		})
	}
	return complaints
}

func bareWraps(h *tree) (complaints []string) {
	for _, s := range h.files {
		ast.Inspect(s.File, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			to, ok := call.Fun.(*ast.SelectorExpr)
			lit, isLit := call.Args[0].(*ast.BasicLit)
			if ok && isLit && to.Sel.Name == "Errorf" && lit.Kind == token.STRING && strings.Trim(lit.Value, "`\" ") == "%w" {
				complaints = append(complaints, h.at(call)+`: a bare "%w" says nothing of what was done`)
			}
			return true
		})
	}
	return complaints
}

// insiders finds where a function would call the addresses that clinics give from
// inside the cloud's own network. One machine stands in the clinic's, and may.
func insiders(h *tree) (complaints []string) {
	for _, s := range h.files {
		wire := s.local(module + "shared/channel/wire")
		asks := strings.HasPrefix(s.room, "functions/pull") || strings.HasPrefix(s.room, "functions/") && s.local(module+"functions/pull/systems") != ""
		if s.test || wire == "" || !asks {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			options, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			kind, ok := options.Type.(*ast.SelectorExpr)
			if !ok || kind.Sel.Name != "Options" {
				return true
			}
			if of, ok := kind.X.(*ast.Ident); !ok || of.Name != wire {
				return true
			}
			if !slices.ContainsFunc(options.Elts, func(e ast.Expr) bool {
				set, ok := e.(*ast.KeyValueExpr)
				return ok && fmt.Sprint(set.Key) == "Outside" && fmt.Sprint(set.Value) == "true"
			}) {
				complaints = append(complaints, h.at(n)+": the clinics' systems are called without Outside: true")
			}
			return true
		})
	}
	return complaints
}

// details finds where a line of an import's report would have a gap: a fault
// without a Detail whose words ask for one. Codes that come as a value are not looked at.
func details(h *tree) (complaints []string) {
	consts := map[string]string{} // of strings, by room and name
	for _, s := range h.files {
		for _, decl := range s.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.CONST {
				continue
			}
			for _, spec := range d.Specs {
				v := spec.(*ast.ValueSpec)
				for i := range min(len(v.Names), len(v.Values)) {
					if lit, ok := v.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
						consts[s.room+"."+v.Names[i].Name] = strings.Trim(lit.Value, `"`)
					}
				}
			}
		}
	}
	for _, s := range h.files {
		load := s.local(module + "shared/load")
		if s.test {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			fault, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			switch kind := fault.Type.(type) {
			case *ast.Ident:
				ok = kind.Name == "Fault" && s.room == "shared/load"
			case *ast.SelectorExpr:
				of, is := kind.X.(*ast.Ident)
				ok = is && load != "" && of.Name == load && kind.Sel.Name == "Fault"
			default:
				ok = false
			}
			if !ok {
				return true
			}
			code, detailed := "", false
			for _, e := range fault.Elts {
				set, ok := e.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				switch name := fmt.Sprint(set.Key); {
				case name == "Detail":
					detailed = true
				case name == "Code":
					switch v := set.Value.(type) {
					case *ast.BasicLit:
						code = strings.Trim(v.Value, `"`)
					case *ast.Ident:
						code = consts[s.room+"."+v.Name]
					}
				}
			}
			if !detailed && slices.Contains(locale.English.Placeholders("desk.import.reason."+code), "detail") {
				complaints = append(complaints, h.at(n)+": the words of "+code+" have a place for a detail, and none is given")
			}
			return true
		})
	}
	return complaints
}
