# make check is what CI runs. docs/contributing.md says what each target is for.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

TOOL := CGO_ENABLED=0 go tool -modfile=tools/go.mod
RUN := go run ./internal/kit/run

.PHONY: build demo check test race fuzz bench e2e screens timing generate generated lint cover shape setup

build:
	CGO_ENABLED=0 go build -tags grpcnotrace -trimpath -ldflags "-s -w" -o bin/sallyport ./cmd/sallyport

demo: build
	bin/sallyport demo

# test comes last, so that its summary is the last thing said.
check: lint generated test

test:
	$(RUN)

race fuzz screens timing:
	$(RUN) $@

e2e:
	$(RUN) setup peers browser

# Six runs of each, for benchstat: make bench on both sides of a change, then
# go tool -modfile=tools/go.mod benchstat before.txt bin/bench.txt
bench:
	mkdir -p bin
	go test -run '^$$' -bench . -benchmem -count 6 ./... | tee bin/bench.txt

generate:
	scripts/generate

generated:
	scripts/generated

lint:
	$(TOOL) golangci-lint run --allow-serial-runners ./...
	go vet ./...
	scripts/modern

cover:
	mkdir -p bin
	go test -coverprofile bin/cover.out -coverpkg ./... ./...
	go tool cover -func bin/cover.out | tail -n 1
	go tool cover -html bin/cover.out -o bin/cover.html

shape:
	go run ./internal/kit/shape

setup:
	scripts/setup
