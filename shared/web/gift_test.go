package web_test

import (
	"net/http"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// gift is the link of the birthday's gift, until 20 June.
func (s *surgery) gift() string {
	last := dental.Date{Year: 2026, Month: 6, Day: 20}
	return s.grant(dental.Link{Purpose: dental.GiftLink, Subject: dental.OfferSubject("birthday", "greeting", "2026"), Expires: last.AddDays(1).At(0, moscow)})
}

// giving is a surgery of a clinic that gives two things to choose from.
func giving(t *testing.T) *surgery {
	t.Helper()
	return offered(t, func(s *surgery) {
		s.Clinic.Gifts = []dental.Gift{{ID: "brush", Name: "Ирригатор"}, {ID: "paste", Name: "Набор паст и щёток"}}
	})
}

func TestAGiftIsChosenByOneTap(t *testing.T) {
	s := giving(t)
	path := s.gift()
	s.get(path).want(http.StatusOK).reads("h1", "Выберите подарок").says("Он ваш до 20 июня.").has(2, "form button.main[name=gift]").
		reads("button[value=brush]", "Ирригатор").reads("button[value=paste]", "Набор паст и щёток").says("Есть противопоказания")
	page := s.does(path, "gift", "brush").reads("h1", "Ваш подарок").reads(".chosen", "Ирригатор").says("до 20 июня включительно").
		has(1, "form button").reads("button[name=gift]", "Набор паст и щёток").says("Выбрать другой")
	g := s.card().Gift("birthday", "2026")
	if g == nil || g.Gift != "brush" {
		t.Fatalf("stored is %+v", g)
	}
	page.reads(".code strong", g.Code)
	s.does(path, "gift", "paste").reads(".chosen", "Набор паст и щёток")
	if other := s.card().Gift("birthday", "2026"); other.Code == g.Code {
		t.Error("two gifts have one code")
	}
}

func TestAGiftThatWasGivenOutCanBeChangedNoMore(t *testing.T) {
	s := giving(t)
	path := s.gift()
	s.does(path, "gift", "brush")
	g := *s.card().Gift("birthday", "2026")
	g.RedeemedAt, g.RedeemedOn = friday, dental.DateOf(friday)
	s.write(g)
	s.get(path).reads("h1", "Подарок уже у вас").reads(".chosen", "Ирригатор").says("Дата вручения: 22 мая.").has(0, "form").has(0, ".code")
	s.post(path, "gift", "paste").want(http.StatusConflict).reads("[role=alert]", "Подарок уже вручён, выбрать другой нельзя.")
}

func TestAClinicThatGivesNothingNowAsksToBeCalled(t *testing.T) {
	s := offered(t, nil)
	s.get(s.gift()).want(http.StatusOK).reads("h1", "Подарок подберём вместе").has(0, "form").has(1, "a.button[href='tel:+74950000000']")
}

func TestAGiftThatIsNoneIsRefused(t *testing.T) {
	s := giving(t)
	path := s.gift()
	writes := s.table.writes
	for body, alert := range map[string]string{
		"":                      "Такого подарка нет. Выберите из списка.",
		"gift=car":              "Такого подарка нет. Выберите из списка.",
		"gift=brush&gift=paste": "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.",
		"gift=brush&action=x":   "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.",
	} {
		s.send(formRequest(path, body)).want(http.StatusBadRequest).reads("[role=alert]", alert).has(2, "button[name=gift]")
	}
	if s.table.writes != writes {
		t.Error("something was written")
	}
}
