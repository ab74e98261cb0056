package dental

import "time"

// Logo is a clinic's own picture as pages show it: small, and of this host.
type Logo struct {
	Clinic string
	// Name changes with the picture: it is Clinic.Logo of the one that is shown.
	Name  string
	Kind  string // "image/png" or "image/jpeg"
	Image []byte
	At    time.Time // when it was handed in
}
