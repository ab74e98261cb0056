// Package fhir takes in HL7 FHIR R4: files (Bundles and NDJSON), what a server
// tells by Subscriptions, and what it answers to questions.
//
// # What follows from which resource
//
//	Patient                  the card; merged away or not active is archived
//	Appointment              an appointment, from booked on
//	Encounter                a visit, once it is finished
//	Procedure, Condition     a piece of the visit that its encounter is
//	Invoice                  a piece of a visit, its receipt, where it names the encounter
//	PaymentNotice,           a payment, where they name the patient
//	PaymentReconciliation
//	CarePlan                 a treatment plan, where it is about teeth
//
// Nothing follows from any other type. Claim and ExplanationOfBenefit are no
// receipts: they say what an insurer is asked to pay and pays, at the tariffs of
// a contract, often several times for one visit (a Claim for each prescription,
// a correction, a second insurer), and not what the patient was charged.
//
// Each resource is an object by itself, with the logical id it has at its
// server. It names what it belongs to, so nothing else is ever looked up, and
// the order in which resources come does not matter; a practitioner's name is
// therefore the one that the reference displays.
//
// # Sources
//
// Fields, codes and rules of bundles are those of R4 (4.0.1), https://hl7.org/fhir/R4/,
// and its examples. Notifications are those of the Subscriptions R5 Backport
// Implementation Guide 1.1.0, https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/,
// in the form for R4 (Parameters) and for R4B (SubscriptionStatus). The header
// X-Hub-Signature over the raw body is WebSub's, as FHIRcast has it; X-Signature
// and X-Medplum-Deleted-Resource are Medplum's, from its documentation. The
// rules are tried against files of Synthea and a server made for the tests, and
// unproven against any vendor's own server.
package fhir
