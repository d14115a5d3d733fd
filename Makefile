# `make run` starts Kakoi; `make test` runs every check there is; `make help`
# lists the rest. Needed: Go, Node with npm, git, make. What else the tests need
# (a C compiler, Python, PostgreSQL, Chromium, a small real model, a linter)
# they install by scripts/, with apt as root or by sudo, or say in one line.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-builtin-rules

GO_MINIMUM   := 1.26
NODE_MINIMUM := 20.19

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
BIN     := bin/kakoi

# Go builds the UI in as it lies in web/dist, so the binary depends on it.
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path 'web/dist*' -prune -o -type f -print 2>/dev/null)
WEB_DEPS    := web/node_modules/.installed
WEB_BUILT   := web/dist/index.html
E2E_DEPS    := test/e2e/node_modules/.installed

.PHONY: help run build test test-go test-web test-bedrock-js test-bedrock-boto3 test-real-model test-e2e test-closed pictures lint lint-go lint-web bench bench-path bench-history bench-browser bench-sqlite generate check-generated tools clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.DEFAULT_GOAL := help

run: build ## Build everything and start the server on 127.0.0.1:8080
	exec ./$(BIN) serve --log-format text

build: need-go $(WEB_BUILT) ## Build bin/kakoi, one static file with the UI in it
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/kakoi

# The whole of it, cheapest first: .ci/run calls this.
test: lint test-web test-go test-bedrock-js test-bedrock-boto3 test-real-model test-e2e ## Run every check and every test
	@echo "everything passed"

test-go: need-go $(WEB_BUILT) ## Go tests on SQLite and PostgreSQL, with the race detector
	scripts/install-compiler.sh
	scripts/install-postgres.sh
	scripts/test-postgres.sh go test -race -timeout 15m ./...

test-web: $(WEB_DEPS) ## TypeScript, unit tests and translations of the UI
	npm --prefix web run typecheck
	npm --prefix web test

test-bedrock-js: need-go need-node ## The fake of Bedrock and STS, against the official JavaScript SDK
	test/bedrock-js/run.sh

test-bedrock-boto3: need-go ## The same fake, against boto3
	test/bedrock-boto3/run.sh

# Behind the tag e2e, so that a plain "go test ./..." downloads nothing.
test-real-model: need-go ## The OpenAI-compatible adapter, against llama.cpp with a small real model
	scripts/real-model/install.sh
	go test -tags e2e -count 1 -timeout 10m ./test/realmodel

# Everything they start, browser and databases with it, is in a network that has
# no way out, and whatever tries to leave it fails them.
test-e2e: build $(E2E_DEPS) test-closed ## The browser tests, in a closed network, against the built program, the fakes and the real model
	scripts/install-postgres.sh
	scripts/real-model/install.sh
	npm --prefix test/e2e run typecheck
	chromium=$$(scripts/install-chromium.sh); cd test/e2e; \
	KAKOI_TEST_CHROMIUM="$$chromium" ../../scripts/closed.sh ../../scripts/test-postgres.sh node_modules/.bin/playwright test

test-closed: build ## That the closed network of the browser tests catches a Kakoi that dials out
	scripts/test-closed.sh

pictures: build $(E2E_DEPS) ## Take the pictures of the README again
	scripts/install-postgres.sh
	chromium=$$(scripts/install-chromium.sh); cd test/e2e; \
	KAKOI_TEST_CHROMIUM="$$chromium" ../../scripts/test-postgres.sh npx --no-install playwright test -c pictures.config.ts

lint: lint-go lint-web check-generated ## Linters, and that generated files are fresh

lint-go: need-go tools
	.cache/bin/golangci-lint run ./...

lint-web: $(WEB_DEPS)
	npm --prefix web run lint

tools: need-go
	scripts/install-tools.sh

generate: need-go $(WEB_DEPS) ## Write the files that follow from the code
	go build -o .cache/bin/kakoi-generate ./cmd/kakoi
	$(call write,kakoi.example.yaml,config example)
	$(call write,docs/configuration.md,config reference)
	$(call write,api/openapi.json,openapi)
	npm --prefix web run --silent api:types

# A program that fails must not leave half a file behind.
write = .cache/bin/kakoi-generate $(2) > $(1).new && mv $(1).new $(1)

# Generating again must change nothing; compared with what was there, not with
# git, so that it holds in a working tree too.
check-generated:
	@before=$$($(GENERATED_SUM)); $(MAKE) -s generate; after=$$($(GENERATED_SUM)); \
	[ "$$before" = "$$after" ] || { echo "generated files were stale; they are fresh now: commit them" >&2; exit 1; }

GENERATED     := kakoi.example.yaml docs/configuration.md api/openapi.json web/src/lib/api/schema.d.ts
GENERATED_SUM := cat $(GENERATED) | sha256sum

bench: build bench-path ## 1,000 answers at once on both stores, memory, start-up, size; the path of a call
	scripts/bench.sh

bench-path: need-go ## What residency, the way out, the ledger and limits add to a call
	scripts/install-postgres.sh
	scripts/test-postgres.sh -usual go test ./internal/model -run '^$$' -bench BenchmarkPath -benchtime 2000x -timeout 10m

bench-history: need-go ## A million messages of one person: lists, search, long conversations
	scripts/bench-history.sh

bench-browser: build $(E2E_DEPS) ## A conversation of 500 messages in the browser: opened, scrolled
	scripts/install-postgres.sh
	chromium=$$(scripts/install-chromium.sh); cd test/e2e; \
	KAKOI_TEST_CHROMIUM="$$chromium" ../../scripts/test-postgres.sh npx --no-install playwright test -c long.config.ts

bench-sqlite: need-go ## Compare the SQLite drivers
	cd bench/sqlite-drivers && go run .

clean: ## Delete everything that was built or installed here, but no data
	rm -rf bin .cache web/node_modules web/dist/* test/bedrock-js/node_modules test/e2e/node_modules test/results

$(WEB_DEPS): web/package.json web/package-lock.json | need-node
	npm --prefix web ci --no-audit --no-fund
	touch $@

$(WEB_BUILT): $(WEB_DEPS) $(WEB_SOURCES)
	npm --prefix web run build
	touch $@

$(E2E_DEPS): test/e2e/package.json test/e2e/package-lock.json | need-node
	npm --prefix test/e2e ci --no-audit --no-fund
	touch $@

# A Go from 1.21 on fetches the version of go.mod by itself where it may.
.PHONY: need-go need-node
need-go:
	@command -v go >/dev/null || { echo "Go is missing: install Go $(GO_MINIMUM) or newer" >&2; exit 1; }
	@go version >/dev/null || { echo "this Go cannot build Kakoi: install Go $(GO_MINIMUM) or newer" >&2; exit 1; }

need-node:
	@command -v npm >/dev/null || { echo "Node is missing: install Node $(NODE_MINIMUM) or newer with npm" >&2; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split("."), [c, d] = "$(NODE_MINIMUM)".split("."); process.exit((a - c || b - d) < 0 ? 1 : 0)' || { echo "Node $$(node --version) is too old: install Node $(NODE_MINIMUM) or newer" >&2; exit 1; }
