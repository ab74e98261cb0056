// Package dental holds the nouns of the product: what a clinic, its patients
// and its staff talk about. It knows no storage, no network and no clock, and
// imports the standard library alone.
//
// Names follow FHIR where FHIR has them (Patient, Appointment) and the trade
// where it has them (recall, treatment plan). A Visit is FHIR's finished
// Encounter.
package dental
