package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/web/design"
)

func TestPagesAreInTheClinicsColoursAndBearItsLogo(t *testing.T) {
	s := newSurgery(t, func(s *surgery) { s.Clinic.Color, s.Clinic.Logo = "#7f1d4f", "a1b2" })
	s.write(dental.Logo{Clinic: clinicID, Name: "a1b2", Kind: "image/png", Image: []byte("\x89PNG")})
	for _, path := range []string{s.survey(), s.appointment(), s.preferences(), s.recall(), s.gift(), s.club(), s.referral()} {
		t.Run(path[:strings.LastIndex(path, "/")], func(t *testing.T) {
			page := s.get(path).want(http.StatusOK).has(1, "header img.logo[alt=''][src='"+path+"/logo?v=a1b2']")
			own := design.Brand("#7f1d4f")
			if !strings.Contains(page.Body.String(), "<style>"+own+"</style>") || !strings.Contains(page.Header().Get("Content-Security-Policy"), string(design.Inline(own))) {
				t.Error("the page is not in the clinic's colours, or the browser may not draw it in them")
			}
			logo := s.get(path + "/logo?v=a1b2").want(http.StatusOK)
			if logo.Header().Get("Content-Type") != "image/png" || logo.Body.String() != "\x89PNG" || logo.Header().Get("Cache-Control") != "private, max-age=86400" {
				t.Errorf("the logo is %s, %q", logo.Header(), logo.Body)
			}
		})
	}
	if style := s.send(formRequest("/s/AAAAAAAAAAAAAAAA", "")).Body.String(); strings.Contains(style, "7f1d4f") {
		t.Error("a link that does not exist is in the clinic's colours")
	}
}

func TestAClinicWithoutALogoHasNone(t *testing.T) {
	s := newSurgery(t, nil)
	s.get(s.survey()).has(0, "img")
	dead, none := s.get("/s/AAAAAAAAAAAAAAAA/logo").want(http.StatusNotFound), s.get(s.survey()+"/logo").want(http.StatusNotFound)
	if dead.Body.String() != none.Body.String() {
		t.Error("the answer tells whether there is such a link")
	}
}

func TestAPatientsLinkIsSentOnWithoutAWordOfThePatient(t *testing.T) {
	s := offered(t, nil) // the scenario is on
	code := s.referral()
	page := s.get(s.club()).has(1, "button#share[hidden][type=button]").has(3, ".ways a[rel='noopener noreferrer']")
	if !strings.Contains(page.Header().Get("Content-Security-Policy"), "; script-src 'sha256-") {
		t.Error("the browser may not run the page's script")
	}
	button := page.all("#share")[0]
	for _, way := range page.all(".ways a") {
		if href := attr(way, "href"); !strings.Contains(href, "%2Fr%2F") || strings.Contains(href, patientID) {
			t.Errorf("%s leads to %s", textOf(way), href)
		}
	}
	if !strings.HasSuffix(attr(button, "data-url"), code) {
		t.Errorf("shared is %q, and the link is %q", attr(button, "data-url"), code)
	}
	for _, other := range []string{s.survey(), s.preferences()} {
		if policy := s.get(other).Header().Get("Content-Security-Policy"); strings.Contains(policy, "script-src") {
			t.Errorf("scripts may run on %s: %s", other, policy)
		}
	}
}
