package storyboards

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/scenario/catalogue"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// added is a scenario that the product does not ship, as somebody would add it.
const added = `
name: gums
title: {ru: Проверка дёсен, en: Gum check}
on: last-visit
rank: 8
steps:
  - name: check
    class: care
    when: [{after: 3mo, at: "11:00", deadline: 10d}]
    unless: [{gate: answered}, {gate: booked}]
    link: o
    texts:
      ru:
        sms: "[{given}, ]пора на короткий осмотр, {minutes}, до {until}. Выбрать день: {link}[ Тел. {clinicPhone}]"
        subject: Пора на короткий осмотр
        heading: "[{given}, ]пора на короткий осмотр"
        paragraphs: ["[Вас ждёт {doctor}. ]Осмотр займёт {minutes} и покажет, всё ли в порядке."]
        button: Выбрать день
      en:
        sms: "[{given}, ]time for a short check, {minutes}, until {until}. Choose a day: {link}[ Tel. {clinicPhone}]"
        subject: Time for a short check
        heading: "[{given}, ]time for a short check"
        paragraphs: ["[{doctor} is expecting you. ]It takes {minutes} and shows whether all is well."]
        button: Choose a day
`

func TestAScenarioFileAloneIsPlannedSentAndReported(t *testing.T) {
	own, err := catalogue.Read(fstest.MapFS{"gums.yaml": {Data: []byte(added)}})
	if err != nil {
		t.Fatal(err)
	}
	s := stagetest.Of(t, append(scenario.Shipped(), own...), time.Date(2026, 2, 20, 12, 0, 0, 0, time.FixedZone("MSK", 3*3600)))
	s.Patient("P")
	s.Patient("Q", func(c *intake.Card) { c.Number, c.Mail = "+79160000002", "" })
	s.Visit("V", "P", s.Now())
	s.Visit("W", "Q", s.Now())
	s.Provider = func(m outreach.Message) error {
		if m.Touch.Patient == "Q" && m.Touch.Scenario == "gums" {
			return errors.New("the connection broke")
		}
		return nil
	}
	s.ToLocal("2026-05-20 11:30")

	sent := s.SentAs("gums", "check")
	if len(sent) != 1 || s.Clinic.Today(sent[0].At).String() != "2026-05-20" || !strings.HasPrefix(sent[0].Text, "Анна, пора на короткий осмотр, 30 минут, до ") {
		t.Fatalf("it left: %v", sent)
	}
	report := outreach.Report{Touch: sent[0].Touch, Attempt: sent[0].Attempt, Channel: "sms", Kind: outreach.ReportDelivered, At: s.Now()}
	if found, err := s.Settler.Settle(t.Context(), report); err != nil || !found {
		t.Fatalf("its delivery was reported: %t, %v", found, err)
	}
	if touch := s.Touch("P", "gums", "check"); touch.State != dental.Sent || touch.DeliveredAt.IsZero() || touch.EndedOn.String() != "2026-05-20" {
		t.Errorf("the ledger has %+v", touch)
	}
	if tasks := s.Tasks("Q", dental.UnknownTask); len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "«Проверка дёсен»") {
		t.Errorf("staff are told of what may not have arrived: %+v", tasks)
	}
}
