package yclients_test

import (
	"testing"

	"github.com/returnpoint/returnpoint/shared/mis/mistest"
)

func TestWhatTheVendorDoesNotKnowOfAPatientStaysAsItWas(t *testing.T) {
	mistest.Keeps(t, clinic(), noon, heard(t, hooked("client", "update", `{"id":31,"name":"Вера","surname":"Ромашкина","phone":"79160000001","last_change_date":"2026-03-09T12:00:00+0300"}`)).Objects[0])
}
