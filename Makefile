# `make` lists the targets. `run`, `demo` and `test` need Go alone; `check`, `build` and `deploy`
# install the pinned tools they need into .tools/.

# Without this Go asks git about the checkout, and each commit would change every Lambda artifact.
export GOFLAGS := $(strip $(filter-out -buildvcs%,$(GOFLAGS)) -buildvcs=false)
export SAM_CLI_TELEMETRY := 0

# The Lambda artifacts: static, without paths of the building machine, without symbol tables and
# the unused RPC half of aws-lambda-go. The same source gives the same bytes, so only functions that changed are deployed.
LAMBDA = CGO_ENABLED=0 GOFLAGS="$(GOFLAGS) -trimpath -ldflags=-s -tags=lambda.norpc"
SAM = .tools/venv/bin/sam

.DEFAULT_GOAL := help
.PHONY: help run demo test bench check build deploy audit import

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: ## start everything on http://127.0.0.1:8080 (PORT, LOCAL_DIR and LOCAL_NOW are honoured)
	@mkdir -p .build
	@go build -o .build/local ./infra/local
	@exec .build/local

demo: ## post a clinic's signed events to a running `make run` and print what came of them
	@go run ./infra/demo

audit: ## count the quiet base of CLINIC at a running `make run`, and write the table to TO
	@mkdir -p .build
	@go run ./infra/audit -at http://127.0.0.1:$(or $(PORT),8080) -clinic $(or $(CLINIC),demo) -to $(or $(TO),.build/audit-$(or $(CLINIC),demo).csv)

import: ## take a file in, or a folder of files: FILE=base.csv CLINIC=demo SYSTEM=yclients, of a running `make run` or RETURN_POINT_URL
	@FILE="$(FILE)" CLINIC="$(CLINIC)" SYSTEM="$(SYSTEM)" go run ./infra/import

test: ## every test that needs no other program
	go test -timeout 4m ./...

bench: ## how fast the desk answers over 100,000 patients; JSON=1 prints JSON
	@go run ./infra/bench $(if $(JSON),-json)

check: ## all of it: style, analysis, vulnerabilities, tests with the race detector, template, contracts
	@bash infra/check/run

# The plain compilation comes first because SAM hides a compiler's message behind its own. `--no-cached`
# overrules a samconfig.toml: SAM's cache looks at a function's folder alone and ships stale code when shared/ changed.
build: ## the Lambda artifacts in .aws-sam/build
	@bash infra/check/install python
	$(LAMBDA) GOOS=linux GOARCH=arm64 go build ./functions/...
	$(LAMBDA) $(SAM) build --no-cached --build-in-source --parallel --template-file template.yaml

deploy: build ## deploy the artifacts to AWS; the first time SAM asks and keeps the answers in samconfig.toml
	$(SAM) deploy $(if $(wildcard samconfig.toml),,--guided)
