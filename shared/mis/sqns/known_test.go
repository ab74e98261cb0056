package sqns_test

import (
	"testing"

	"github.com/returnpoint/returnpoint/shared/mis/mistest"
)

func TestWhatTheVendorDoesNotKnowOfAPatientStaysAsItWas(t *testing.T) {
	heard := read(t, `{"object":"client","type":"update","orgId":"1234","client":{"id":5,"firstname":"Вера","lastname":"Ромашкина","phone":"+79160000001","isDeleted":false}}`)
	mistest.Keeps(t, clinic(), received, heard.Objects[0])
}
