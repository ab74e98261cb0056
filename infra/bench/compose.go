package main

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/web/staff"
)

// compose is the desk for its owner, who is signed in.
func (b *base) compose() http.Handler {
	mux := http.NewServeMux()
	key := b.store.StaffKey(owner)
	pages := &staff.Pages{Store: b.store, Catalogue: scenario.Shipped(), Clock: func() time.Time { return b.now }, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler), Who: func(*http.Request) (staff.Person, bool) {
			return staff.Person{Key: key, Name: "Вера Лунина"}, true
		}}
	pages.Routes(mux)
	return mux
}
