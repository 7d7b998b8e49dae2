# Ringmaster. `make` builds; `make run` shows it at work; `make test` proves it.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# What the lock file says. Not npm ci: it demands even the optional packages of other systems, which not every registry has.
NPM_INSTALL = npm install --no-save --no-audit --no-fund

.PHONY: build help run test test-long test-deps day pictures check-deploy bench bench-attempts bench-import bench-hands bench-due bench-head bench-webhook bench-push bench-socketio bench-sip bench-talks bench-mediatel bench-pacing bench-amd bench-wall lint fmt web check-web clean

build: ## one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ringmaster ./cmd/ringmaster

help: ## this list; make alone builds
	@awk -F ':[^#]*## ' '/^[a-z-]+:[^#]*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: ## everything embedded, a seeded campaign, nobody's phone dialed; ARGS='--speed 10'
	$(GO) run ./cmd/ringmaster demo $(ARGS)

test-deps: ## what the tests need beside Go: installed as root, named elsewhere
	@scripts/test-deps

test: test-deps ## everything, with the race detector, in shuffled order; PKG=./campaigns/... for a part
	$(GO) vet $(PKG)
	$(GO) test -json -race -shuffle=on -timeout 60m $(PKG) | $(GO) run ./scripts/testsum

test-long: test-deps ## many more random histories of calls, people and rules: 20,000 an engine through SQL, 100,000 a profile through the gate
	$(GO) test -count=1 -v -timeout 300m -run 'TestHistories' ./internal/store -long

day: test-deps ## the program itself for a day that breaks: two nodes, SIPp, baresip, Chromium, a CRM; LONG=1 for two hours
	$(GO) test -count=1 -v -timeout 150m -run 'TestDay|TestFrontEndDay|TestPredictiveDay|TestMachines' ./internal/day $(if $(LONG),-long)

PICTURES ?= bin/pictures
pictures: test-deps ## every page and state in three languages, two themes and two widths, and an index to look through; PICTURES=FOLDER
	mkdir -p $(abspath $(PICTURES)) && rm -f $(abspath $(PICTURES))/*.light.*.png $(abspath $(PICTURES))/*.dark.*.png
	SHOTS=$(abspath $(PICTURES)) $(GO) test -count=1 -parallel 2 -timeout 90m -run '^TestPages|^TestPreviewOnTheDesk$$|^TestPhoneOfTheDesk$$|^TestDeskNeverLies$$|^TestStepsOfANewcomer$$' ./cmd/ringmaster ./internal/demo
	node web/test/index.mjs $(abspath $(PICTURES))

web: ## web/dist of web/src; needs Node >= 20.19
	@scripts/test-deps --node
	cd web && $(NPM_INSTALL) && npm run build

check-web: ## the pages' types, and that web/dist is of web/src and small enough
	@scripts/test-deps --node
	cd web && $(NPM_INSTALL) && npm run check

check-deploy: ## deploy/ as far as it can be checked without a Docker engine
	@deploy/check

lint: ## the short list of linters, with reasons in scripts/lint and staticcheck.conf
	@scripts/lint

fmt: ## one form for all Go files
	@git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -w

# make bench runs all parts, make bench PARTS='import attempts' some. A part is a target bench-NAME, measured beside its
# peer in the same run; docs/operations.md has the bars. A new part: its name into PARTS, its command below.
PARTS ?= attempts import hands due head webhook push socketio sip mediatel pacing amd wall
BENCH  = $(GO) test -run '^$$' -timeout 60m
bench: $(PARTS:%=bench-%) ## every part beside its peer; PARTS='import attempts' for some

bench-head: ## a free agent behind 100,000 people who may not be called now; PEOPLE=1000000 for a million
	BENCH_PEOPLE=$(PEOPLE) $(BENCH) -bench RefusedHead -benchtime 1x ./internal/store ./dialer

bench-attempts: ## the whole protocol with durable commits, beside bare Asynq tasks
	$(BENCH) -bench 'Attempts|FreeToPlaced' -benchtime 5000x ./dialer

bench-due: ## who of a million people is next, of one list and of many that share the calls; PEOPLE=5000000
	BENCH_PEOPLE=$(or $(PEOPLE),1000000) $(BENCH) -bench NextDue -benchtime 100x ./internal/store

bench-import: ## a million contacts of CSV, beside psql's copy of the same rows; PEOPLE=5000000
	BENCH_PEOPLE=$(PEOPLE) $(BENCH) -bench Import -benchtime 1x ./cmd/ringmaster

bench-hands: ## what supervisors ask of a campaign of a million contacts: stats, lists, search; PEOPLE=5000000
	BENCH_PEOPLE=$(or $(PEOPLE),1000000) $(BENCH) -bench Hands -benchtime 200x ./internal/store

bench-webhook: ## deliveries beside a bare loop of net/http, the first try's delay, and what a CRM that was away gets
	$(BENCH) -bench Deliver ./webhook
	$(BENCH) -bench 'FirstTry|Outage' -benchtime 1x ./webhook

bench-push: ## a change's way to the agent's tab, 1,000 tabs
	$(BENCH) -bench Push -benchtime 5000x ./agents/gateway

bench-socketio: ## the Socket.IO server, beside Node's and the prescribed package's
	$(GO) run ./internal/socketio/bench

bench-sip: ## calls set up against SIPp, and talking calls bridged and recorded: CPU of the engine alone
	$(BENCH) -bench . -benchtime 1x ./dialer/sipua

bench-talks: ## a tab's talk of three minutes, and 100 recorded talks of five at once, without a lost packet of ours; TALK=1m for less
	SIPUA_TALK=$(or $(TALK),5m) $(GO) test -count=1 -timeout 30m -v -run 'TestHundredTalks|TestBrowserTalksForMinutes' ./dialer/sipua

bench-mediatel: ## 200 agents' sessions to one Mediatel server, both in one process: memory, CPU at rest and a call
	$(BENCH) -bench Sessions -benchtime 10x ./dialer/mediatel

bench-pacing: ## days of call centers with the pacing that ships, beside others and a clairvoyant; the cost of a decision; PACING_DAYS=15
	$(BENCH) -bench Decide ./dialer/pacing
	$(BENCH) -bench Pacing -benchtime 1x ./dialer/pacing/sim

bench-amd: ## people and answering machines told apart, in synthesised speech; the cost of a frame
	@scripts/test-deps
	$(BENCH) -bench Frame ./internal/amd
	$(BENCH) -bench Quality -benchtime 1x ./internal/amd

bench-wall: ## the console before 500 agents who all change once a second: its longest task; how soon pages are painted; WALL=60 for a minute
	$(BENCH) -bench 'Wall|Paint' -benchtime 1x ./web

clean: ## what make built
	rm -rf bin coverage.*

PKG ?= ./...
